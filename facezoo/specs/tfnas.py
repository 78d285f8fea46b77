"""TF-NAS-A: a searched mobile network, in FaceX-Zoo's face form (stem with stride 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from facezoo.specs.base import NECKS, BackboneSpec


class Row(NamedTuple):
    """One MBConv block.

    Attributes:
        channels: of the input.
        middle: expanded width; no expansion when it is not above ``channels``.
        squeezed: width inside the squeeze-and-excitation, 0 for none.
        width: of the output.
        kernel: of the depthwise convolution.
        stride: of the depthwise convolution.
    """

    channels: int
    middle: int
    squeezed: int
    width: int
    kernel: int
    stride: int


STAGES_A: tuple[tuple[Row, ...], ...] = (
    (Row(32, 32, 8, 16, 3, 1),),
    (Row(16, 83, 32, 24, 3, 2), Row(24, 128, 0, 24, 5, 1)),
    (Row(24, 138, 48, 40, 3, 2), Row(40, 297, 0, 40, 3, 1), Row(40, 170, 80, 40, 5, 1)),
    (Row(40, 248, 80, 80, 5, 2), Row(80, 500, 0, 80, 3, 1), Row(80, 424, 0, 80, 3, 1), Row(80, 477, 0, 80, 3, 1)),
    (
        Row(80, 504, 160, 112, 3, 1),
        Row(112, 796, 0, 112, 3, 1),
        Row(112, 723, 224, 112, 3, 1),
        Row(112, 555, 224, 112, 3, 1),
    ),
    (
        Row(112, 813, 0, 192, 3, 2),
        Row(192, 1370, 0, 192, 3, 1),
        Row(192, 1138, 384, 192, 3, 1),
        Row(192, 1359, 384, 192, 3, 1),
    ),
    (Row(192, 1203, 384, 320, 5, 1),),
)


@dataclass(frozen=True, kw_only=True)
class TFNASSpec(BackboneSpec):
    """A TF-NAS network.

    Attributes:
        stem: channels of the first convolution.
        stages: rows of each stage.
        relu_stages: number of stages with ReLU; the later ones have swish.
        last: channels of the last 1x1 convolution, which has BN and no activation.
    """

    family: str = "tfnas"
    network: str = "TFNAS"
    paper: str = "Hu, Wu, He, TF-NAS: Rethinking Three Search Freedoms, ECCV 2020, arXiv 2008.05314"
    stem: int = 32
    stages: tuple[tuple[Row, ...], ...] = STAGES_A
    relu_stages: int = 2
    last: int = 1280
    init: str = "kaiming_normal_fan_out"
    neck: str = "flat"
    dropout: float = 0.2

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The published one is "flat": dropout, flatten, linear, BN."""
        return ("flat", *NECKS)


SPECS = (TFNASSpec(name="TFNASA", parameters=39_590_703),)
