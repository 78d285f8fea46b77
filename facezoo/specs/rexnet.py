"""ReXNet 1.0: inverted bottlenecks whose widths grow linearly; FaceX-Zoo's face form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.specs.base import BackboneSpec

WIDTHS = (16, 27, 38, 50, 61, 72, 84, 95, 106, 117, 128, 140, 151, 162, 174, 185)


@dataclass(frozen=True, kw_only=True)
class ReXNetSpec(BackboneSpec):
    """A ReXNet.

    Attributes:
        stem: channels of the first convolution (stride 1).
        widths: channels after each bottleneck.
        strided: positions (from 0) of the bottlenecks with stride 2.
        expansion: of all bottlenecks but the first, which has none.
        se: squeeze-and-excitation (with BN inside) on the depthwise output, from ``se_from`` on.
        se_from: position of the first bottleneck that may have it.
        se_ratio: reduction.
        last: channels of the last 1x1 convolution.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("se",)

    family: str = "rexnet"
    network: str = "ReXNet"
    paper: str = "Han, Yun, Heo, Yoo, Rethinking Channel Dimensions for Efficient Model Design, arXiv 2007.00992"
    stem: int = 32
    widths: tuple[int, ...] = WIDTHS
    strided: tuple[int, ...] = (1, 3, 5, 11)
    expansion: int = 6
    se: bool = False
    se_from: int = 3
    se_ratio: int = 12
    last: int = 512
    init: str = "torch_default"
    dropout: float = 0.4


SPECS = (ReXNetSpec(name="ReXNet", parameters=15_197_128),)
