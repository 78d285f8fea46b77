"""ResNeSt-50: bottlenecks with split attention; FaceX-Zoo's face form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.specs.base import BackboneSpec


@dataclass(frozen=True, kw_only=True)
class ResNeStSpec(BackboneSpec):
    """A ResNeSt network.

    Attributes:
        units: bottlenecks in each stage; the first of every stage has stride 2.
        widths: inner widths; the output of a bottleneck has four times as many channels.
        radix: splits of the 3x3 convolution, weighted by attention.
        normalised: whether the embedding is L2-normalised, as published.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("normalised",)

    family: str = "resnest"
    network: str = "ResNeSt"
    paper: str = "Zhang et al., ResNeSt: Split-Attention Networks, CVPRW 2022, arXiv 2004.08955"
    units: tuple[int, int, int, int] = (3, 4, 6, 3)
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    radix: int = 2
    normalised: bool = True
    init: str = "kaiming_normal_fan_out"
    dropout: float = 0.4
    notes: str = "As published, the embedding is L2-normalised inside; normalised=False turns this off."


SPECS = (ResNeStSpec(name="ResNeSt50", parameters=76_793_248),)
