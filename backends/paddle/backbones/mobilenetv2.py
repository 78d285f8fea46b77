"""MobileNetV2 with the necks for faces."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.paddle.onednn import sequence
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.mobilenetv2 import MobileNetV2Spec


class InvertedResidual(nn.Layer):
    """Expand 1x1, depthwise 3x3, project 1x1 without activation; added to the input if the shapes are equal."""

    def __init__(self, spec: MobileNetV2Spec, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = ConvBN(spec, channels, inner, act=spec.activation) if expansion != 1 else None
        self.depthwise = ConvBN(spec, inner, inner, 3, stride, groups=inner, act=spec.activation)
        self.project = ConvBN(spec, inner, width)
        self.residual = stride == 1 and channels == width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = sequence.apply(x, self.expand, self.depthwise, self.project)
        return x + y if self.residual else y


class MobileNetV2(Backbone, nn.Layer):
    """Stem, inverted residuals, 1x1 convolution, neck."""

    def __init__(self, spec: MobileNetV2Spec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        channels = spec.scaled(32)
        stride = 2 if spec.stem == "imagenet" else 1
        self.stem = ConvBN(spec, spec.in_channels, channels, 3, stride, act=spec.activation)
        self.blocks = nn.LayerList()
        for expansion, row, count, first in spec.rows:
            for index in range(count):
                width = spec.scaled(row)
                self.blocks.append(InvertedResidual(spec, channels, width, expansion, 1 if index else first))
                channels = width
        self.last = ConvBN(spec, channels, spec.last_width, act=spec.activation)
        neck = NECKS[spec.neck]
        self.neck = neck(
            spec.last_width, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 32, H, W) or half of each side
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
