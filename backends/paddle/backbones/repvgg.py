"""RepVGG in its training and its deploy form."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.repvgg import RepVGGSpec


class RepVGGBlock(nn.Layer):
    """Sum of a 3x3, a 1x1 and, if the shape is unchanged, an identity branch, each with BN; then ReLU."""

    def __init__(self, spec: RepVGGSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.dense = ConvBN(spec, channels, width, 3, stride)
        self.point = ConvBN(spec, channels, width, 1, stride)
        same = channels == width and stride == 1
        self.identity = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum) if same else None
        self.stride = stride

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.dense(x) + self.point(x)
        if self.identity is not None:
            y = y + self.identity(x)
        return F.relu(y)


class DeployedBlock(nn.Layer):
    """One 3x3 convolution with bias; then ReLU."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, width, 3, stride, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.conv(x))


class RepVGG(Backbone, nn.Layer):
    """Stem, four stages of blocks, neck."""

    spec: RepVGGSpec

    def __init__(self, spec: RepVGGSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = self._block(spec.in_channels, spec.widths[0], 1)
        self.stages = nn.LayerList()
        channels = spec.widths[0]
        for width, units in zip(spec.widths[1:], spec.units, strict=True):
            blocks = [self._block(channels, width, 2)]
            blocks += [self._block(width, width, 1) for _ in range(units - 1)]
            self.stages.append(nn.LayerList(blocks))
            channels = width
        size = halved(spec.input_size, 4)
        self.neck = NECKS[spec.neck](channels, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def _block(self, channels: int, width: int, stride: int) -> nn.Layer:
        if self.spec.deploy:
            return DeployedBlock(channels, width, stride)
        return RepVGGBlock(self.spec, channels, width, stride)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, C, H, W)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
