"""Preprocessing of a model's input: colour order, size, scaling and alignment template."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from facezoo.errors import ConfigError

COLORS = {"RGB": 3, "BGR": 3, "gray": 1}
LARGEST_SIDE = 4096  # pixels; larger sizes in a damaged file would ask for all memory
LUMA = (0.299, 0.587, 0.114)  # weights of R, G and B in grey, ITU-R BT.601


@dataclass(frozen=True)
class Preprocess:
    """From a uint8 RGB face crop to a network's input.

    ``input[c] = (pixel[c] - mean[c]) / std[c]``, channels in the order that ``color`` names.

    Attributes:
        color: "RGB", "BGR" or "gray" (ITU-R 601 luma, one channel).
        size: (H, W) of the crop.
        mean: one value per channel, 0..255, in the order of ``color``.
        std: one value per channel, above 0, in the order of ``color``.
        template: the alignment template the crop was cut with.

    >>> Preprocess().to_dict()["color"]
    'RGB'
    """

    color: str = "RGB"
    size: tuple[int, int] = (112, 112)
    mean: tuple[float, ...] = (127.5, 127.5, 127.5)
    std: tuple[float, ...] = (127.5, 127.5, 127.5)
    template: str = "arcface112"

    def __post_init__(self) -> None:
        if not isinstance(self.color, str) or self.color not in COLORS:
            raise ConfigError(f"preprocess.color is {self.color!r}; expected one of {', '.join(COLORS)}")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if not _numbers(values):
                raise ConfigError(f"preprocess.{name} is {values!r}; expected finite numbers")
            if len(values) != self.channels:
                raise ConfigError(f"preprocess.{name} has {len(values)} values; {self.color} needs {self.channels}")
        if min(self.std) <= 0:
            raise ConfigError(f"preprocess.std is {self.std}; every value must be above 0")
        whole = _numbers(self.size) and len(self.size) == 2 and all(isinstance(side, int) for side in self.size)
        if not whole or not all(1 <= side <= LARGEST_SIDE for side in self.size):
            raise ConfigError(f"preprocess.size is {self.size!r}; expected height and width, each 1 to {LARGEST_SIDE}")
        if not isinstance(self.template, str):
            raise ConfigError(f"preprocess.template is {self.template!r}; expected a template's name")

    @property
    def channels(self) -> int:
        """1 for gray, else 3."""
        return COLORS[self.color]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as stored in the metadata of a weight file."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocess:
        """The inverse of :meth:`to_dict`."""
        if not isinstance(values, dict):
            raise ConfigError(f"preprocess is {values!r}; expected its settings by name")
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise ConfigError(f"unknown preprocess key {min(map(str, unknown))!r}")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**given)


def _numbers(values: Any) -> bool:
    """Whether the value is a tuple of finite numbers."""
    plain = isinstance(values, tuple) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return plain and all(math.isfinite(value) for value in values)
