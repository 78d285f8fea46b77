"""ReXNet with a face neck."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.rexnet import ReXNetSpec


class SqueezeExciteBN(nn.Layer):
    """Channel attention with a BN after the squeeze."""

    def __init__(self, spec: ReXNetSpec, channels: int) -> None:
        super().__init__()
        squeezed = channels // spec.se_ratio
        self.fc1 = Conv2D(channels, squeezed, 1)
        self.bn = BatchNorm2D(squeezed, spec.bn_eps, spec.bn_momentum)
        self.fc2 = Conv2D(squeezed, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        scale = self.fc2(F.relu(self.bn(self.fc1(F.adaptive_avg_pool2d(x, 1)))))  # (N, C, 1, 1)
        return x * F.sigmoid(scale)


class Bottleneck(nn.Layer):
    """Expand 1x1 (swish), depthwise 3x3, ReLU6, project 1x1; the input is added to the first channels."""

    def __init__(self, spec: ReXNetSpec, channels: int, width: int, stride: int, expansion: int, se: bool) -> None:
        super().__init__()
        expanded = channels * expansion
        self.expand = ConvBN(spec, channels, expanded, 1, act="silu") if expansion != 1 else None
        self.depthwise = ConvBN(spec, expanded, expanded, 3, stride, expanded)
        self.se = SqueezeExciteBN(spec, expanded) if se else None
        self.project = ConvBN(spec, expanded, width, 1)
        self.residual = stride == 1 and channels <= width
        self.channels = channels
        self.width = width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.depthwise(x if self.expand is None else self.expand(x))
        if self.se is not None:
            y = self.se(y)
        y = self.project(F.relu6(y))
        if not self.residual:
            return y
        if self.channels == self.width:
            return y + x
        return paddle.concat([y[:, : self.channels] + x, y[:, self.channels :]], axis=1)


class ReXNet(Backbone, nn.Layer):
    """Stem, bottlenecks, 1x1 convolution, neck."""

    def __init__(self, spec: ReXNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ConvBN(spec, spec.in_channels, spec.stem, 3, act="silu")
        self.blocks = nn.LayerList()
        channels = spec.stem
        for position, width in enumerate(spec.widths):
            stride = 2 if position in spec.strided else 1
            expansion = spec.expansion if position else 1
            se = spec.se and position >= spec.se_from
            self.blocks.append(Bottleneck(spec, channels, width, stride, expansion, se))
            channels = width
        self.last = ConvBN(spec, channels, spec.last, 1, act="silu")
        size = halved(spec.input_size, len(spec.strided))
        self.neck = NECKS[spec.neck](spec.last, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 32, H, W)
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
