"""MobileFaceNet: inverted bottlenecks with PReLU and a global depthwise convolution as the neck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec


@dataclass(frozen=True, kw_only=True)
class MobileFaceNetSpec(BackboneSpec):
    """A MobileFaceNet.

    ``scale`` multiplies the widths between the blocks, not those inside them.

    Attributes:
        blocks: blocks of the second layer, then residual blocks of the three stages. With ``blocks[0] == 1`` the
            second layer is one 3x3 convolution in groups, otherwise ``blocks[0]`` residual bottlenecks.
        scale: 1, 2 or 4; widths are 64 and 128 times this.
        expansions: channels inside the first block and inside the residual blocks of each of the three stages; the
            first also of bottlenecks in the second layer.
        second_groups: groups of the convolution of the second layer; divides ``64 * scale``.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("blocks", "scale", "expansions", "second_groups")

    family: str = "mobilefacenet"
    network: str = "MobileFaceNet"
    paper: str = "Chen, Liu, Gao, Han, MobileFaceNets, CCBR 2018, arXiv 1804.07573"
    blocks: tuple[int, int, int, int] = (1, 4, 6, 2)
    scale: int = 1
    expansions: tuple[int, int, int, int, int, int] = (128, 128, 256, 256, 512, 256)
    second_groups: int = 64
    init: str = "kaiming_normal_grouped_all"
    neck: str = "GDC"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise ConfigError(f"{self.name}: blocks is {self.blocks}; expected four numbers, each 1 or more")
        if self.scale < 1:
            raise ConfigError(f"{self.name}: scale is {self.scale}; expected 1 or more")
        if len(self.expansions) != 6 or min(self.expansions) < 1:
            raise ConfigError(f"{self.name}: expansions is {self.expansions}; expected six numbers, each 1 or more")
        if self.second_groups < 1 or 64 * self.scale % self.second_groups:
            raise ConfigError(
                f"{self.name}: second_groups is {self.second_groups}; expected a divisor of {64 * self.scale}"
            )

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """Only the paper's."""
        return ("GDC",)


SPECS = (
    MobileFaceNetSpec(name="MobileFaceNet", parameters=1_200_512),
    MobileFaceNetSpec(name="MobileFaceNetLarge", blocks=(2, 8, 12, 4), scale=4, parameters=6_314_880),
)
