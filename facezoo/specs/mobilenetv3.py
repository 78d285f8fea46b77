"""MobileNetV3, small and large: inverted residuals with SE, ReLU and hard-swish, found by search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.specs.geometry import rounded
from facezoo.specs.stemmed import StemmedSpec

R, H = "relu", "hard_swish"
SMALL = (
    (3, 16, 16, True, R, 2), (3, 72, 24, False, R, 2), (3, 88, 24, False, R, 1), (5, 96, 40, True, H, 2),
    (5, 240, 40, True, H, 1), (5, 240, 40, True, H, 1), (5, 120, 48, True, H, 1), (5, 144, 48, True, H, 1),
    (5, 288, 96, True, H, 2), (5, 576, 96, True, H, 1), (5, 576, 96, True, H, 1),
)  # fmt: skip
LARGE = (
    (3, 16, 16, False, R, 1), (3, 64, 24, False, R, 2), (3, 72, 24, False, R, 1), (5, 72, 40, True, R, 2),
    (5, 120, 40, True, R, 1), (5, 120, 40, True, R, 1), (3, 240, 80, False, H, 2), (3, 200, 80, False, H, 1),
    (3, 184, 80, False, H, 1), (3, 184, 80, False, H, 1), (3, 480, 112, True, H, 1), (3, 672, 112, True, H, 1),
    (5, 672, 160, True, H, 2), (5, 960, 160, True, H, 1), (5, 960, 160, True, H, 1),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MobileNetV3Spec(StemmedSpec):
    """A MobileNetV3. The trunk ends with the last 1x1 convolution; the ImageNet head is not part of it.

    Attributes:
        rows: (kernel, expanded width, width, SE, activation, stride) of each block.
        last: channels of the last 1x1 convolution.
        width: multiplies all widths, above 0.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "width")

    family: str = "mobilenetv3"
    network: str = "MobileNetV3"
    paper: str = "Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv 1905.02244"
    rows: tuple[tuple[int, int, int, bool, str, int], ...]
    last: int
    width: float = 1.0
    init: str = "kaiming_normal_grouped"
    notes: str = "The paper trains with BN eps 1e-3 and momentum 0.01: options bn_eps and bn_momentum."

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_width(self.width)

    def scaled(self, width: int) -> int:
        """A width of the paper's table times the multiplier."""
        return rounded(width * self.width)

    def squeezed(self, expanded: int) -> int:
        """Width inside the SE of a block: a quarter of the expanded width."""
        return rounded(expanded / 4)


SPECS = (
    MobileNetV3Spec(name="MobileNetV3Small", rows=SMALL, last=576, parameters=1_252_320),
    MobileNetV3Spec(name="MobileNetV3Large", rows=LARGE, last=960, parameters=3_513_456),
)
