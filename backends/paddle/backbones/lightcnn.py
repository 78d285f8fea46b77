"""LightCNN 9, 29, 29v2 and v4: convolutions with biases, max-feature-map, no BN."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.lightcnn import LightCNNSpec


class MFM(nn.Layer):
    """Convolution to twice the width, maximum of the first and the second half."""

    def __init__(self, channels: int, width: int, kernel: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, 2 * width, kernel, padding=kernel // 2)
        self.width = width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv(x)  # (N, 2 width, h, w)
        return paddle.maximum(x[:, : self.width], x[:, self.width :])


class Residual(nn.Layer):
    """Two MFM 3x3 and the input; no activation after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mfm1 = MFM(width, width, 3)
        self.mfm2 = MFM(width, width, 3)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.mfm2(self.mfm1(x))


class Group(nn.Layer):
    """MFM 1x1 that keeps the width, MFM 3x3 to the next."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.reduce = MFM(channels, channels, 1)
        self.mfm = MFM(channels, width, 3)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.mfm(self.reduce(x))


class MaxPool(nn.Layer):
    """2x2 max-pooling that rounds up."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2D(2, stride=2, ceil_mode=True)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.pool(x)


class SumPool(nn.Layer):
    """Sum of 2x2 max-pooling and 2x2 average pooling, rounding down."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = nn.MaxPool2D(2, stride=2)
        self.average = nn.AvgPool2D(2, stride=2, exclusive=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.largest(x) + self.average(x)


class OfficialNeck(nn.Layer):
    """Flatten and one linear layer; with ``mfm``, to twice the size and the maximum of its halves."""

    def __init__(self, channels: int, size: tuple[int, int], embedding_size: int, mfm: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * size[0] * size[1], embedding_size * (2 if mfm else 1))
        self.embedding_size = embedding_size
        self.mfm = mfm

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.linear(paddle.flatten(x, 1))  # (N, E) or (N, 2 E)
        if self.mfm:
            x = paddle.maximum(x[:, : self.embedding_size], x[:, self.embedding_size :])
        return x


class LightCNN(Backbone, nn.Layer):
    """Stem, four steps with a pool after the stem, the first, the second and the last; neck."""

    def __init__(self, spec: LightCNNSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = MFM(spec.in_channels, spec.widths[0], spec.kernel)
        self.pool = MaxPool() if spec.pool == "max" else SumPool()
        self.stages = nn.LayerList()
        channels = spec.widths[0]
        for width, count in zip(spec.widths[1:], spec.residual, strict=True):
            blocks: list[nn.Layer] = [Residual(channels) for _ in range(count)]
            blocks.append(Group(channels, width) if spec.grouped else MFM(channels, width, 3))
            self.stages.append(nn.LayerList(blocks))
            channels = width
        if spec.neck == "official":
            self.neck = OfficialNeck(channels, spec.last_map, spec.embedding_size, spec.mfm_linear)
        else:
            self.neck = NECKS[spec.neck](
                channels, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
            )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.pool(self.stem(images))  # (N, 48, H/2, W/2)
        for index, stage in enumerate(self.stages):
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
            if index != 2:
                x = self.pool(x)
        return self.neck(x)  # (N, E)
