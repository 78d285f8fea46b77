"""MobileNetV2: inverted residuals with ReLU6 and a linear last 1x1 convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import UnknownNameError
from facezoo.specs.geometry import rounded
from facezoo.specs.mobilenetv1 import ACTIVATIONS
from facezoo.specs.stemmed import StemmedSpec


@dataclass(frozen=True, kw_only=True)
class MobileNetV2Spec(StemmedSpec):
    """A MobileNetV2.

    Attributes:
        rows: (expansion, width, blocks, stride of the first block).
        width: multiplies all widths, above 0; the last convolution has at least 1280 channels.
        activation: "relu6" (the paper), "relu" or "prelu".
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "width", "activation")

    family: str = "mobilenetv2"
    network: str = "MobileNetV2"
    paper: str = "Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2, CVPR 2018, arXiv 1801.04381"
    rows: tuple[tuple[int, int, int, int], ...] = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )  # fmt: skip
    width: float = 1.0
    activation: str = "relu6"
    init: str = "kaiming_normal_grouped"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_width(self.width)
        if self.activation not in ACTIVATIONS:
            raise UnknownNameError(f"activation of {self.name}", self.activation, ACTIVATIONS)

    def scaled(self, width: int) -> int:
        """A width of the paper's table times the multiplier."""
        return rounded(width * self.width)

    @property
    def last_width(self) -> int:
        """Channels of the feature map before the neck."""
        return rounded(1280 * max(self.width, 1.0))


SPECS = (MobileNetV2Spec(name="MobileNetV2", parameters=2_945_536),)
