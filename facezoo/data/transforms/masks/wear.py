"""One random mask on one face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facezoo.data.transforms.masks.flat import flat_mask
from facezoo.data.transforms.masks.mesh import mesh_mask
from facezoo.data.transforms.masks.shapes import KINDS, WORN
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.template_points import points_in

GENERATORS = {"flat": flat_mask, "mesh": mesh_mask}


@dataclass(frozen=True)
class WornMask:
    """A mask to be drawn: the generator, the kind of mask, and where it is worn."""

    generator: str
    kind: str
    worn: str

    def draw(self, image: np.ndarray, rng: np.random.Generator, landmarks: np.ndarray | None = None) -> np.ndarray:
        """The image with the mask, a new array.

        Args:
            image: uint8 RGB (H, W, 3).
            rng: of colour, pattern and folds.
            landmarks: (5, 2) in pixels, in the order of the template; None: those of an aligned crop.

        Raises:
            ConfigError: the landmarks are not (5, 2), or not finite.
        """
        points = points_in(image.shape[:2]) if landmarks is None else np.asarray(landmarks, float)
        if points.shape != (5, 2) or not np.isfinite(points).all():
            raise ConfigError(
                f"landmarks have the shape {points.shape} or are not finite; expected five points, (5, 2)"
            )
        return GENERATORS[self.generator](image, points, self.kind, self.worn, rng)


def choose_mask(
    rng: np.random.Generator, *, mesh_share: float = 0.5, low_share: float = 0.1, kinds: Sequence[str] = KINDS
) -> WornMask:
    """A random mask.

    Args:
        rng: the only source of randomness.
        mesh_share: probability of the generator in three dimensions, 0..1; else the flat one.
        low_share: probability of a mask under the nose or at the chin, 0..1.
        kinds: kinds to choose from.

    Raises:
        ConfigError: a share is out of range, or a kind is not known.
    """
    for name, share in (("mesh_share", mesh_share), ("low_share", low_share)):
        if not 0.0 <= share <= 1.0:
            raise ConfigError(f"{name} is {share}; expected 0..1")
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of mask", kind, KINDS)
    generator = "mesh" if rng.random() < mesh_share else "flat"
    kind = kinds[int(rng.integers(len(kinds)))]
    worn = WORN[0] if rng.random() >= low_share else WORN[int(rng.integers(1, len(WORN)))]
    return WornMask(generator, kind, worn)
