"""ShuffleNetV2: half of the channels are unchanged, the other half are convolved, then all are shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.stemmed import StemmedSpec

WIDTHS = {  # width -> channels of the three stages and of the last 1x1 convolution
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
SPLITS = ("megvii", "equal")


@dataclass(frozen=True, kw_only=True)
class ShuffleNetV2Spec(StemmedSpec):
    """A ShuffleNetV2.

    The face stem leaves out the max-pool.

    Attributes:
        units: blocks in each of the three stages; the first of a stage has stride 2.
        first: channels of the first convolution.
        width: 0.5, 1, 1.5 or 2; which column of the paper's table.
        split: output channels of the two branches of a strided unit: with "megvii" the left one is as wide as the
            input and the right one has the rest, with "equal" each has half (torchvision). They differ in the
            first unit of the first stage only.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "width", "split")

    family: str = "shufflenetv2"
    network: str = "ShuffleNetV2"
    paper: str = "Ma, Zhang, Zheng, Sun, ShuffleNet V2, ECCV 2018, arXiv 1807.11164"
    units: tuple[int, int, int] = (4, 8, 4)
    first: int = 24
    width: float = 1.0
    split: str = "megvii"
    init: str = "shufflenet"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width not in WIDTHS:
            raise ConfigError(f"{self.name}: width is {self.width}; expected one of {', '.join(map(str, WIDTHS))}")
        if self.split not in SPLITS:
            raise UnknownNameError(f"split of {self.name}", self.split, SPLITS)

    @property
    def widths(self) -> tuple[int, ...]:
        """Output channels of each stage."""
        return WIDTHS[self.width][:3]

    @property
    def last_width(self) -> int:
        """Channels of the feature map before the neck."""
        return WIDTHS[self.width][3]

    def left(self, channels: int, width: int) -> int:
        """Output channels of the left branch of a strided unit."""
        return channels if self.split == "megvii" else width // 2


SPECS = (ShuffleNetV2Spec(name="ShuffleNetV2", parameters=1_832_296),)
