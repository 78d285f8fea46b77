"""The light SE network of the progressive-learning paper, Lightweight Face Recognition Challenge 2019."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from facezoo.specs.base import BackboneSpec


class Row(NamedTuple):
    """``repeats`` linear bottlenecks: expanded width, output width, stride of the first."""

    expanded: int
    width: int
    repeats: int
    stride: int


ROWS = (
    Row(56, 24, 2, 1),
    Row(116, 56, 1, 2),
    Row(116, 56, 6, 1),
    Row(248, 124, 1, 2),
    Row(248, 124, 15, 1),
    Row(512, 256, 1, 2),
    Row(256, 256, 24, 1),
)


@dataclass(frozen=True, kw_only=True)
class LightSENetSpec(BackboneSpec):
    """The light SE network.

    Attributes:
        stem: channels of the first convolution (stride 2).
        rows: the bottlenecks.
        se_ratio: reduction of the squeeze-and-excitation on the depthwise output.
        last: channels of the last 1x1 convolution.
    """

    family: str = "lightsenet"
    network: str = "LightSENet"
    paper: str = "Chai et al., A Progressive Learning Framework for Unconstrained Face Recognition, ICCVW 2019, table 1"
    stem: int = 24
    rows: tuple[Row, ...] = ROWS
    se_ratio: int = 16
    last: int = 512
    embedding_size: int = 282
    neck: str = "GDC"
    init: str = "kaiming_normal_fan_out"
    notes: str = (
        "The paper reports 976.6 M FLOPs: twice the multiply-adds without those of the first convolution. "
        "It does not state the SE reduction; 16 on the expanded width gives this figure exactly."
    )


SPECS = (LightSENetSpec(name="LightSENet", parameters=5_268_778),)
