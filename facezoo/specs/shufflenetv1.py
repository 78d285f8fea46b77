"""ShuffleNetV1: grouped 1x1 convolutions with a channel shuffle between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.stemmed import StemmedSpec

STAGES = {1: (144, 288, 576), 2: (200, 400, 800), 3: (240, 480, 960), 4: (272, 544, 1088), 8: (384, 768, 1536)}
STEMS = {0.5: 12, 1.0: 24, 1.5: 24, 2.0: 48}  # width of the first convolution
WIDTHS = tuple(STEMS)
SHUFFLES = ("before", "after")


@dataclass(frozen=True, kw_only=True)
class ShuffleNetV1Spec(StemmedSpec):
    """A ShuffleNetV1.

    The face stem leaves out the max-pool.

    Attributes:
        units: blocks in each of the three stages; the first of a stage has stride 2.
        groups: of the 1x1 convolutions: 1, 2, 3, 4 or 8; the widths follow from it by the paper's table.
        width: 0.5, 1, 1.5 or 2; multiplies the widths.
        shuffle: channels are shuffled "before" the depthwise convolution (the paper) or "after" it (Megvii's code).
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "groups", "width", "shuffle")

    family: str = "shufflenetv1"
    network: str = "ShuffleNetV1"
    paper: str = "Zhang, Zhou, Lin, Sun, ShuffleNet, CVPR 2018, arXiv 1707.01083"
    units: tuple[int, int, int] = (4, 8, 4)
    groups: int = 3
    width: float = 1.0
    shuffle: str = "before"
    init: str = "shufflenet"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups not in STAGES:
            raise ConfigError(f"{self.name}: groups is {self.groups}; expected one of {', '.join(map(str, STAGES))}")
        if self.width not in WIDTHS:
            raise ConfigError(f"{self.name}: width is {self.width}; expected one of {', '.join(map(str, WIDTHS))}")
        if self.shuffle not in SHUFFLES:
            raise UnknownNameError(f"shuffle of {self.name}", self.shuffle, SHUFFLES)
        if any(part % self.groups for part in (*(width // 4 for width in self.widths), self.widths[0] - self.first)):
            raise ConfigError(f"{self.name}: width {self.width} is not divisible into {self.groups} groups")

    @property
    def first(self) -> int:
        """Channels of the first convolution."""
        return 16 if (self.groups, self.width) == (8, 0.5) else STEMS[self.width]

    @property
    def widths(self) -> tuple[int, ...]:
        """Output channels of each stage."""
        return tuple(int(width * self.width) for width in STAGES[self.groups])


SPECS = (ShuffleNetV1Spec(name="ShuffleNetV1", parameters=1_446_232),)
