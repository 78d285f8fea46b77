"""GhostNet: half of each map from a 1x1 convolution, the other half from a cheap depthwise one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.specs.geometry import rounded
from facezoo.specs.stemmed import StemmedSpec


@dataclass(frozen=True, kw_only=True)
class GhostNetSpec(StemmedSpec):
    """A GhostNet, in the face form of face.evoLVe and FaceX-Zoo.

    Attributes:
        rows: (kernel, expanded width, width, SE, stride) of each bottleneck.
        width: multiplies all widths, above 0.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "width")

    family: str = "ghostnet"
    network: str = "GhostNet"
    paper: str = "Han, Wang, Tian, Guo, Xu, Xu, GhostNet, CVPR 2020, arXiv 1911.11907"
    rows: tuple[tuple[int, int, int, bool, int], ...] = (
        (3, 16, 16, False, 1), (3, 48, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2),
        (5, 120, 40, True, 1), (3, 240, 80, False, 2), (3, 200, 80, False, 1), (3, 184, 80, False, 1),
        (3, 184, 80, False, 1), (3, 480, 112, True, 1), (3, 672, 112, True, 1), (5, 672, 160, True, 2),
        (5, 960, 160, False, 1), (5, 960, 160, True, 1), (5, 960, 160, False, 1), (5, 960, 160, True, 1),
    )  # fmt: skip
    width: float = 1.0
    neck: str = "E"
    dropout: float = 0.2
    init: str = "kaiming_normal_fan_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_width(self.width)

    def scaled(self, width: int) -> int:
        """A width of the paper's table times the multiplier."""
        return rounded(width * self.width, 4)

    def squeezed(self, expanded: int) -> int:
        """Width inside the SE of a bottleneck: a quarter of the expanded width."""
        return rounded(expanded / 4, 4)


SPECS = (GhostNetSpec(name="GhostNet", parameters=26_759_364),)
