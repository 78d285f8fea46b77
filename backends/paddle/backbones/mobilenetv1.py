"""MobileNetV1, with the necks for faces and in the pooled form of the published VGGFace2 weights."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.paddle.onednn import sequence
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.mobilenetv1 import MobileNetV1Spec


class Separable(nn.Layer):
    """Depthwise 3x3 with the stride, pointwise 1x1; BN and activation after each."""

    def __init__(self, spec: MobileNetV1Spec, channels: int, width: int, stride: int, size: tuple[int, int]) -> None:
        super().__init__()
        padding = spec.padding(size, stride)
        self.depthwise = ConvBN(spec, channels, channels, 3, stride, channels, spec.act, padding)
        self.pointwise = ConvBN(spec, channels, width, act=spec.act)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.depthwise, self.pointwise)


class NeckPool(nn.Layer):
    """Global average pool: the map's channels are the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2D(1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return paddle.flatten(self.pool(x), 1)  # (N, C)


class MobileNetV1(Backbone, nn.Layer):
    """Stem, thirteen separable convolutions, neck."""

    def __init__(self, spec: MobileNetV1Spec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        size, stride = spec.input_size, 2 if spec.stem == "imagenet" else 1
        channels = spec.scaled(32)
        padding = spec.padding(size, stride)
        self.stem = ConvBN(spec, spec.in_channels, channels, 3, stride, act=spec.act, padding=padding)
        size = halved(size, stride - 1)
        self.blocks = nn.LayerList()
        for row, stride in spec.rows:
            width = spec.scaled(row)
            self.blocks.append(Separable(spec, channels, width, stride, size))
            channels, size = width, halved(size, stride - 1)
        if spec.neck == "pool":
            self.neck = NeckPool()
        else:
            self.neck = NECKS[spec.neck](
                channels, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
            )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 32, H, W) or half of each side
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
