"""RepVGG: three branches while training, one 3x3 convolution after folding; face form (stem with stride 1).

A training block sums conv3x3+BN, conv1x1+BN and, if the shape is unchanged, a BN alone; then ReLU. The deploy form is
one 3x3 convolution with bias that computes the same (:func:`facezoo.fold_batchnorm` creates it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.specs.base import BackboneSpec

UNITS = {"A": (2, 4, 14, 1), "B": (4, 6, 16, 1)}


@dataclass(frozen=True, kw_only=True)
class RepVGGSpec(BackboneSpec):
    """A RepVGG network.

    Attributes:
        units: blocks in each of the four stages after the stem.
        widths: channels of the stem and of the four stages.
        deploy: whether every block is one convolution with bias.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("deploy",)

    family: str = "repvgg"
    network: str = "RepVGG"
    paper: str = "Ding et al., RepVGG: Making VGG-style ConvNets Great Again, CVPR 2021, arXiv 2101.03697"
    units: tuple[int, int, int, int]
    widths: tuple[int, int, int, int, int]
    deploy: bool = False
    init: str = "torch_default"


def _spec(name: str, kind: str, a: float, b: float, parameters: int) -> RepVGGSpec:
    widths = (min(64, int(64 * a)), int(64 * a), int(128 * a), int(256 * a), int(512 * b))
    return RepVGGSpec(name=name, units=UNITS[kind], widths=widths, parameters=parameters)


SPECS = (
    _spec("RepVGGA0", "A", 0.75, 2.5, 39_944_704),
    _spec("RepVGGB0", "B", 1, 2.5, 46_653_696),
    _spec("RepVGGB1", "B", 2, 4, 106_751_872),
)
