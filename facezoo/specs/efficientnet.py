"""EfficientNet B0 to B7: MBConv blocks with SE and swish, scaled in width and depth together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.geometry import halved, rounded, same_padding
from facezoo.specs.stemmed import StemmedSpec

PADDINGS = ("symmetric", "same", "static")
ROWS = (  # expansion, kernel, width, blocks, stride of the first block
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)  # fmt: skip


class MBConv(NamedTuple):
    """Sizes and settings of one block."""

    channels: int
    width: int
    expansion: int
    kernel: int
    stride: int
    squeezed: int
    padding: tuple[int, int, int, int]
    drop: float


@dataclass(frozen=True, kw_only=True)
class EfficientNetSpec(StemmedSpec):
    """An EfficientNet.

    Attributes:
        width: multiplies the widths of B0, which are then rounded to 8.
        depth: multiplies the repeats of B0, which are then rounded up.
        padding: of strided depthwise convolutions. "symmetric": k // 2. "same": TensorFlow's SAME. "static":
            FaceX-Zoo's, which is SAME for the map sizes of a stem with stride 2, whatever the stem's stride;
            published weights need it.
        drop_connect: probability, 0 to below 1, of dropping a branch of the last block in training; grows
            linearly from 0 over the blocks.
        neck_eps: of the neck's norms, above 0; None means ``bn_eps``. FaceX-Zoo's and face.evoLVe's weights need 1e-5.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "padding", "drop_connect", "neck_eps")

    family: str = "efficientnet"
    network: str = "EfficientNet"
    paper: str = "Tan, Le, EfficientNet, ICML 2019, arXiv 1905.11946"
    width: float = 1.0
    depth: float = 1.0
    padding: str = "symmetric"
    drop_connect: float = 0.2
    neck_eps: float | None = None
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    init: str = "efficientnet"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.padding not in PADDINGS:
            raise UnknownNameError(f"padding of {self.name}", self.padding, PADDINGS)
        if not 0 <= self.drop_connect < 1:
            raise ConfigError(f"{self.name}: drop_connect is {self.drop_connect}; expected 0 to below 1")
        if self.neck_eps is not None and not self.neck_eps > 0:
            raise ConfigError(f"{self.name}: neck_eps is {self.neck_eps}; expected above 0")

    @property
    def first(self) -> int:
        """Channels of the first convolution."""
        return rounded(32 * self.width)

    @property
    def last_width(self) -> int:
        """Channels of the feature map before the neck."""
        return rounded(1280 * self.width)

    def pads(self, size: tuple[int, int], kernel: int, stride: int) -> tuple[int, int, int, int]:
        """Padding (left, right, top, bottom) of a convolution on a map of this size."""
        if self.padding == "symmetric" or stride == 1:
            return (kernel // 2,) * 4
        return same_padding(size, kernel, stride)

    def stem_padding(self) -> tuple[int, int, int, int]:
        """Padding of the first convolution."""
        return self.pads(self.input_size, 3, 2 if self.stem == "imagenet" else 1)

    def blocks(self) -> list[MBConv]:
        """All blocks in order."""
        size = halved(self.input_size, 0 if self.stem == "face" and self.padding != "static" else 1)
        total = sum(math.ceil(count * self.depth) for _, _, _, count, _ in ROWS)
        table: list[MBConv] = []
        channels = self.first
        for expansion, kernel, row, count, first in ROWS:
            for index in range(math.ceil(count * self.depth)):
                stride, width = 1 if index else first, rounded(row * self.width)
                drop = self.drop_connect * len(table) / total
                padding = self.pads(size, kernel, stride)
                squeezed = max(1, channels // 4)
                table.append(MBConv(channels, width, expansion, kernel, stride, squeezed, padding, drop))
                channels, size = width, halved(size, stride - 1)
        return table

    @property
    def last_map(self) -> tuple[int, int]:
        """(H, W) of the feature map before the neck."""
        height, width = halved(self.input_size, 0 if self.stem == "face" else 1)
        for block in self.blocks():
            left, right, top, bottom = block.padding
            height = (height + top + bottom - block.kernel) // block.stride + 1
            width = (width + left + right - block.kernel) // block.stride + 1
        return height, width


def _scaled(name: str, width: float, depth: float, dropout: float, parameters: int) -> EfficientNetSpec:
    return EfficientNetSpec(
        name=f"EfficientNet{name}", width=width, depth=depth, dropout=dropout, parameters=parameters
    )


SPECS = (
    _scaled("B0", 1.0, 1.0, 0.2, 4_729_212),
    _scaled("B1", 1.0, 1.1, 0.2, 7_234_848),
    _scaled("B2", 1.1, 1.2, 0.3, 8_494_722),
    _scaled("B3", 1.2, 1.4, 0.3, 11_562_024),
    _scaled("B4", 1.4, 1.8, 0.4, 18_558_536),
    _scaled("B5", 1.6, 2.2, 0.4, 29_494_832),
    _scaled("B6", 1.8, 2.6, 0.5, 42_033_880),
    _scaled("B7", 2.0, 3.1, 0.5, 65_229_264),
)
