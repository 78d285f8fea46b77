"""ResNet, ResNeXt and SE-ResNeXt: residual networks with the activation after the addition.

* basic block (18, 34): conv3x3(s), BN, ReLU, conv3x3, BN; add; ReLU
* bottleneck (50 and deeper): conv1x1, BN, ReLU, conv3x3(s), BN, ReLU, conv1x1 to 4c, BN [, SE]; add; ReLU

The shortcut is a 1x1 convolution with BN if the shape changes. The ImageNet stem is conv7x7(2), BN, ReLU,
max-pool 3x3(2); the face stem is conv3x3(1), BN, ReLU, and then the first stage has stride 2 as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError
from facezoo.specs.stemmed import StemmedSpec

RESNET = "He, Zhang, Ren, Sun, Deep Residual Learning, CVPR 2016, arXiv 1512.03385"
RESNEXT = "Xie, Girshick, Dollar, Tu, He, Aggregated Residual Transformations, CVPR 2017, arXiv 1611.05431"
SE = "Hu, Shen, Sun, Squeeze-and-Excitation Networks, CVPR 2018, arXiv 1709.01507"
UNITS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(StemmedSpec):
    """A residual network.

    Attributes:
        units: blocks in each of the four stages.
        widths: c of each stage; the output of a bottleneck has 4c channels.
        bottleneck: whether the blocks are bottlenecks.
        groups: groups of the 3x3 convolution in a bottleneck.
        group_width: channels of one group in the first stage; the inner width is ``groups * group_width * c / 64``.
        se: squeeze-and-excitation after the last BN of a block, reduction 16, with biases.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "groups", "group_width")

    family: str = "resnet"
    network: str = "ResNet"
    paper: str = RESNET
    units: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    bottleneck: bool = True
    groups: int = 1
    group_width: int = 64
    se: bool = False
    init: str = "kaiming_normal_fan_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups < 1 or self.group_width < 1:
            raise ConfigError(f"{self.name}: {self.groups} groups of {self.group_width}; expected 1 or more of each")
        if not self.bottleneck and (self.groups, self.group_width) != (1, 64):
            raise ConfigError(f"{self.name}: a basic block has no groups; only ResNet50 and deeper have")

    def inner(self, width: int) -> int:
        """Channels inside a block of the stage with this c."""
        return self.groups * self.group_width * width // 64

    def outer(self, width: int) -> int:
        """Output channels of a block of the stage with this c."""
        return 4 * width if self.bottleneck else width


def _resnet(depth: int, parameters: int) -> ResNetSpec:
    return ResNetSpec(
        name=f"ResNet{depth}", units=UNITS[depth], bottleneck=depth >= 50, parameters=parameters,
        stem="imagenet", neck="E", dropout=0.5,
    )  # fmt: skip


def _resnext(depth: int, parameters: int, *, se: bool = False) -> ResNetSpec:
    return ResNetSpec(
        name=f"{'SE' if se else ''}ResNeXt{depth}", units=UNITS[depth], groups=32, group_width=4, se=se,
        parameters=parameters, paper=f"{RESNEXT}; {SE}" if se else RESNEXT,
    )  # fmt: skip


SPECS = (
    _resnet(18, 15_373_376),
    _resnet(34, 25_481_536),
    _resnet(50, 40_290_880),
    _resnet(101, 59_283_008),
    _resnet(152, 74_926_656),
    _resnext(50, 24_126_272),
    _resnext(101, 43_275_072),
    _resnext(50, 26_657_264, se=True),
    _resnext(101, 48_052_784, se=True),
)
