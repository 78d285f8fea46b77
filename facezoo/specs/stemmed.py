"""Base of families that exist in an ImageNet form and in a face form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.base import BackboneSpec
from facezoo.specs.geometry import halved

STEMS = ("face", "imagenet")


@dataclass(frozen=True, kw_only=True)
class StemmedSpec(BackboneSpec):
    """A network with two stems.

    Attributes:
        stem: "imagenet" is the published stem; the last map is 4x4 for a 112x112 image; "face" has half
            its stride, so that the last map is 7x7.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem",)

    stem: str = "face"
    neck: str = "GDC"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stem not in STEMS:
            raise UnknownNameError(f"stem of {self.name}", self.stem, STEMS)

    @property
    def last_map(self) -> tuple[int, int]:
        """(H, W) of the feature map before the neck."""
        return halved(self.input_size, 5 if self.stem == "imagenet" else 4)

    def _check_width(self, width: float) -> None:
        if not 0 < width <= 8:
            raise ConfigError(f"{self.name}: width is {width}; expected above 0, at most 8")
