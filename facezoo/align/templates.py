"""Named templates: the positions of the five landmarks in an aligned crop."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.template_points import ARCFACE

_SIDES = (16, 1024)  # smallest and largest N of "arcfaceN"


@dataclass(frozen=True)
class Template:
    """The size of a crop and the positions of its landmarks.

    Attributes:
        name: its name in a ``Preprocess`` and on the command line.
        size: (H, W) of the crop in pixels.
        points: (5, 2) float64, x and y of left eye, right eye, nose, left and right mouth corner, where left and right
            are those of the image. Integers are pixel centres.
    """

    name: str
    size: tuple[int, int]
    points: np.ndarray

    def resized(self, size: tuple[int, int] | None = None, margin: float = 0.0) -> Template:
        """The template with another size or with a border.

        Args:
            size: (H, W) of the new crop, each at least 16; None keeps the size. With another aspect ratio the
                template is centred.
            margin: border on each side as a share of the side, above -0.5 and at most 4; with 0.2 the template
                takes 1 / 1.4 of the crop.

        Raises:
            ConfigError: the size or the margin is out of range.
        """
        height, width = self.size if size is None else size
        if min(height, width) < 16:
            raise ConfigError(f"crop size is {height}x{width}; each side must be at least 16")
        if not -0.5 < margin <= 4:
            raise ConfigError(f"margin is {margin}; expected above -0.5, at most 4")
        scale = min(height / self.size[0], width / self.size[1]) / (1 + 2 * margin)
        centre = np.array([self.size[1], self.size[0]]) / 2
        points = (self.points - centre) * scale + np.array([width, height]) / 2
        return Template(self.name, (height, width), points)


FIXED = {
    "arcface112": Template("arcface112", (112, 112), ARCFACE),
    "sphereface96x112": Template("sphereface96x112", (112, 96), ARCFACE - [8.0, 0.0]),  # 96 wide, 112 high
}


def list_templates() -> list[str]:
    """The named templates. In addition, ``arcfaceN`` is arcface112 scaled to N x N."""
    return [*FIXED, "arcface128", "arcface160", "arcface224"]


def get_template(name: str) -> Template:
    """A template by name: ``arcface112``, ``sphereface96x112``, or ``arcfaceN`` for N in 16..1024.

    Raises:
        UnknownNameError: there is no such template.

    >>> get_template("arcface224").size
    (224, 224)
    """
    if name in FIXED:
        return FIXED[name]
    match = re.fullmatch(r"arcface(\d{2,4})", name)
    if match is None or not _SIDES[0] <= int(match[1]) <= _SIDES[1]:
        raise UnknownNameError("template", name, list_templates())
    side = int(match[1])
    return Template(name, (side, side), ARCFACE * (side / 112))
