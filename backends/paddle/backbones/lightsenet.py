"""The light SE network of the Lightweight Face Recognition Challenge."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, ConvBN, ConvBNPReLU, run_blocks
from facezoo.backends.paddle.prelu import PReLU
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.lightsenet import LightSENetSpec


class SqueezeExcitePReLU(nn.Layer):
    """Channel attention with biases and a PReLU inside."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = Conv2D(channels, squeezed, 1)
        self.prelu = PReLU(squeezed)
        self.fc2 = Conv2D(squeezed, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        scale = self.fc2(self.prelu(self.fc1(F.adaptive_avg_pool2d(x, 1))))  # (N, C, 1, 1)
        return x * F.sigmoid(scale)


class Bottleneck(nn.Layer):
    """Expand 1x1, depthwise 3x3, squeeze-and-excitation, project 1x1; added to the input if the shapes are equal."""

    def __init__(self, spec: LightSENetSpec, channels: int, expanded: int, width: int, stride: int) -> None:
        super().__init__()
        self.expand = ConvBNPReLU(spec, channels, expanded, 1)
        self.depthwise = ConvBNPReLU(spec, expanded, expanded, 3, stride, groups=expanded)
        self.se = SqueezeExcitePReLU(expanded, expanded // spec.se_ratio)
        self.project = ConvBN(spec, expanded, width)
        self.residual = stride == 1 and channels == width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.project(self.se(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class LightSENet(Backbone, nn.Layer):
    """Stem, bottlenecks, 1x1 convolution, global depthwise neck."""

    def __init__(self, spec: LightSENetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ConvBNPReLU(spec, spec.in_channels, spec.stem, 3, stride=2)
        self.blocks = nn.LayerList()
        channels, strided = spec.stem, 1
        for row in spec.rows:
            for position in range(row.repeats):
                stride = row.stride if position == 0 else 1
                self.blocks.append(Bottleneck(spec, channels, row.expanded, row.width, stride))
                channels, strided = row.width, strided + stride - 1
        self.last = ConvBNPReLU(spec, channels, spec.last, 1)
        size = halved(spec.input_size, strided)
        self.neck = NECKS[spec.neck](spec.last, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 24, H/2, W/2)
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
