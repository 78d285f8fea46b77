"""HRNet: parallel branches of four resolutions, fused repeatedly; FaceX-Zoo's face form.

Stem of two 3x3 convolutions (strides 2 and 1), four bottlenecks, then stages of 2, 3 and 4 branches with widths
w, 2w, 4w, 8w and full fusion; a head adds the branches from high to low resolution, to 2048 channels on a 7x7 map.
"""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.errors import ConfigError
from facezoo.specs.base import NECKS, BackboneSpec


@dataclass(frozen=True, kw_only=True)
class HRNetSpec(BackboneSpec):
    """A high-resolution network.

    Attributes:
        width: channels of the branch with the highest resolution.
        modules: fusion modules in the stages of 2, 3 and 4 branches.
        units: basic blocks of each branch in a module.
        head_widths: inner widths of the head's bottlenecks, one per branch; the output has four times as many channels.
    """

    family: str = "hrnet"
    network: str = "HRNet"
    paper: str = "Wang et al., Deep High-Resolution Representation Learning, TPAMI 2020, arXiv 1908.07919"
    width: int
    modules: tuple[int, int, int] = (1, 4, 3)
    units: int = 4
    head_widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    init: str = "kaiming_normal_fan_out"
    neck: str = "flat"

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(side % 16 for side in self.input_size):
            raise ConfigError(f"{self.name}: input_size is {self.input_size}; expected multiples of 16")

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The published one is "flat": flatten, linear without bias, BN."""
        return ("flat", *NECKS)


SPECS = (
    HRNetSpec(name="HRNetW18", width=18, parameters=70_631_252),
    HRNetSpec(name="HRNetW32", width=32, parameters=90_564_928),
)
