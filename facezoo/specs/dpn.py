"""DPN: dual path networks with a residual path (addition) and a dense path (concatenation)."""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.specs.stemmed import StemmedSpec


@dataclass(frozen=True, kw_only=True)
class DPNSpec(StemmedSpec):
    """A dual path network.

    A block is BN, ReLU, conv1x1 to r, BN, ReLU, conv3x3(s) in groups, BN, ReLU, conv1x1 to b + inc; the first b
    channels are added to the residual part, the last inc are appended to the dense part. The first block of a stage
    projects its input, after BN and ReLU, to b + 2 inc. The trunk ends with BN and ReLU. The face stem leaves out the
    max-pool.

    Attributes:
        first: channels of the first convolution.
        kernel: side of the first convolution.
        groups: of the 3x3 convolutions.
        units: blocks in each of the four stages.
        residual: b of each stage.
        inner: r of each stage.
        increments: inc of each stage.
    """

    family: str = "dpn"
    network: str = "DPN"
    paper: str = "Chen, Li, Xiao, Jin, Yan, Feng, Dual Path Networks, NIPS 2017, arXiv 1707.01629"
    first: int
    kernel: int = 7
    groups: int = 32
    units: tuple[int, int, int, int]
    residual: tuple[int, int, int, int] = (256, 512, 1024, 2048)
    inner: tuple[int, int, int, int]
    increments: tuple[int, int, int, int]
    bn_eps: float = 1e-3
    init: str = "kaiming_normal_fan_in"


SPECS = (
    DPNSpec(
        name="DPN68", first=10, kernel=3, units=(3, 4, 12, 3), residual=(64, 128, 256, 512),
        inner=(128, 256, 512, 1024), increments=(16, 32, 32, 64), parameters=12_248_042,
    ),
    DPNSpec(
        name="DPN92", first=64, units=(3, 4, 20, 3), inner=(96, 192, 384, 768), increments=(16, 32, 24, 128),
        parameters=36_493_760,
    ),
    DPNSpec(
        name="DPN98", first=96, groups=40, units=(3, 6, 20, 3), inner=(160, 320, 640, 1280),
        increments=(16, 32, 32, 128), parameters=60_396_096,
    ),
)  # fmt: skip
