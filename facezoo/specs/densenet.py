"""DenseNet: each layer takes the outputs of all earlier layers of its block."""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.errors import ConfigError
from facezoo.specs.geometry import halved
from facezoo.specs.stemmed import StemmedSpec


@dataclass(frozen=True, kw_only=True)
class DenseNetSpec(StemmedSpec):
    """A DenseNet.

    A layer is BN, ReLU, conv1x1 to 4 growth, BN, ReLU, conv3x3 to growth, concatenated to its input. A transition is
    BN, ReLU, conv1x1 to half the channels, average pool 2x2. The trunk ends with BN and ReLU. The face stem is a 3x3
    convolution with stride 2 and no pool; stride 1 would make the first block four times as expensive.

    Attributes:
        layers: layers in each of the four blocks.
        growth: channels that a layer adds.
        first: channels of the first convolution.
    """

    family: str = "densenet"
    network: str = "DenseNet"
    paper: str = "Huang, Liu, van der Maaten, Weinberger, DenseNet, CVPR 2017, arXiv 1608.06993"
    layers: tuple[int, int, int, int]
    growth: int = 32
    first: int = 64
    init: str = "kaiming_normal_fan_in"

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.last_map) < 1:
            raise ConfigError(f"{self.name}: input_size is {self.input_size}; expected 32 or more on each side")

    @property
    def last_map(self) -> tuple[int, int]:
        """(H, W) of the feature map before the neck; the transitions round down."""
        height, width = halved(self.input_size, 2 if self.stem == "imagenet" else 1)
        return height // 8, width // 8


SPECS = (
    DenseNetSpec(name="DenseNet121", layers=(6, 12, 24, 16), parameters=7_523_712),
    DenseNetSpec(name="DenseNet161", layers=(6, 12, 36, 24), growth=48, first=96, parameters=27_704_608),
    DenseNetSpec(name="DenseNet169", layers=(6, 12, 32, 32), parameters=13_414_656),
    DenseNetSpec(name="DenseNet201", layers=(6, 12, 48, 32), parameters=19_167_232),
)
