"""IR and IR-SE: improved residual networks for 112x112 faces, in their three published forms.

Residual branch of width c, stride s on the second convolution:

* ``evolve``: BN, conv3x3, PReLU, conv3x3(s), BN [, SE] (face.evoLVe, FaceX-Zoo)
* ``published``: BN, conv3x3, BN, PReLU, conv3x3(s), BN [, SE] (the mxnet block; AdaFace, CVLface)
* ``arcface``: as ``published``, with a projection on the first block of every stage and the last BN1d's
  weight fixed at 1 (InsightFace arcface_torch)

No activation follows the addition. If ``evolve`` and ``published`` keep the width, the shortcut is
subsampling without weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import UnknownNameError
from facezoo.specs.base import BackboneSpec

PAPER = (
    "Deng, Guo, Xue, Zafeiriou, ArcFace, CVPR 2019, arXiv 1801.07698 (block); "
    "He et al., arXiv 1512.03385; SE: Hu et al., arXiv 1709.01507"
)
BLOCKS = ("evolve", "published", "arcface")
WIDTHS = (64, 128, 256, 512)
UNITS = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3), 101: (3, 13, 30, 3),
    120: (3, 13, 40, 3), 140: (3, 15, 48, 3), 152: (3, 8, 36, 3), 200: (6, 26, 60, 6), 240: (3, 25, 88, 3),
    600: (3, 70, 220, 3), 1200: (3, 80, 512, 3),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class IRSpec(BackboneSpec):
    """An IR network.

    Attributes:
        units: blocks in each of the four stages.
        widths: channels of each stage.
        block: "evolve", "published" or "arcface".
        se: squeeze-and-excitation on the residual branch, reduction 16, no biases.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("block",)

    family: str = "ir"
    network: str = "IR"
    paper: str = PAPER
    units: tuple[int, ...]
    widths: tuple[int, ...] = WIDTHS
    block: str = "evolve"
    se: bool = False
    init: str = "xavier_uniform"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block not in BLOCKS:
            raise UnknownNameError(f"block of {self.name}", self.block, BLOCKS)

    @property
    def middle_norm(self) -> bool:
        """Whether there is a BN between the first convolution and the PReLU."""
        return self.block != "evolve"

    @property
    def project_always(self) -> bool:
        """Whether the first block of every stage has a projection, also if the width is unchanged."""
        return self.block == "arcface"

    @property
    def last_norm(self) -> str:
        """The final BN1d: "affine", "plain" (no weight, no bias) or "bias" (weight fixed at 1)."""
        return {"evolve": "affine", "published": "plain", "arcface": "bias"}[self.block]


def _evolve(depth: int, parameters: int, *, se: bool = False) -> IRSpec:
    return IRSpec(name=f"IR{'SE' if se else ''}{depth}", units=UNITS[depth], se=se, parameters=parameters)


def _arcface(name: str, depth: int, parameters: int) -> IRSpec:
    return IRSpec(name=name, units=UNITS[depth], block="arcface", parameters=parameters, dropout=0.0, init="normal_0.1")


SPECS = (
    _evolve(18, 24_017_536),
    _evolve(34, 34_127_552),
    _evolve(50, 43_574_976),
    _evolve(101, 65_129_792),
    _evolve(152, 70_737_600),
    _evolve(18, 24_104_576, se=True),
    _evolve(34, 34_284_736, se=True),
    _evolve(50, 43_797_696, se=True),
    _evolve(101, 65_502_016, se=True),
    _evolve(152, 71_148_736, se=True),
    _arcface("IResNet18", 18, 24_025_600),
    _arcface("IResNet34", 34, 34_139_328),
    _arcface("IResNet50", 50, 43_590_848),
    _arcface("IResNet100", 100, 65_156_160),
    _arcface("IResNet200", 200, 118_833_920),
    _arcface("ResNet120", 120, 76_970_560),
    _arcface("ResNet140", 140, 87_013_696),
    _arcface("ResNet200", 200, 118_833_920),
    _arcface("ResNet240", 240, 137_229_376),
    _arcface("ResNet600", 600, 306_490_816),
    _arcface("ResNet1200", 1200, 654_429_376),
)
