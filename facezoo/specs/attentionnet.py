"""AttentionNet 56 and 92: residual attention networks in the face form of face.evoLVe and FaceX-Zoo.

7x7 convolution with stride 2 (no pooling), then units 64-256, 256-512, 512-1024, 1024-2048-2048-2048, with
attention modules on 256, 512 and 1024 channels. Every unit is a pre-activated bottleneck.
"""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.specs.base import NECKS, BackboneSpec


@dataclass(frozen=True, kw_only=True)
class AttentionNetSpec(BackboneSpec):
    """A residual attention network.

    Attributes:
        modules: attention modules on 256, 512 and 1024 channels.
    """

    family: str = "attentionnet"
    network: str = "AttentionNet"
    paper: str = "Wang et al., Residual Attention Network for Image Classification, CVPR 2017, arXiv 1704.06904"
    modules: tuple[int, int, int]
    init: str = "torch_default"
    neck: str = "flat"
    notes: str = (
        "The published modules have a shortcut convolution in every unit, unused if the shape is unchanged; the "
        "unused ones are not built here: 98,964,672 and 134,562,496 parameters with them."
    )

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The published one is "flat": flatten, linear without bias, BN."""
        return ("flat", *NECKS)


SPECS = (
    AttentionNetSpec(name="AttentionNet56", modules=(1, 1, 1), parameters=81_138_880),
    AttentionNetSpec(name="AttentionNet92", modules=(1, 2, 3), parameters=101_794_496),
)
