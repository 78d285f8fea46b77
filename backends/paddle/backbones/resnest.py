"""ResNeSt with a face neck."""

from __future__ import annotations

from functools import reduce

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.backends.paddle.prelu import PReLU
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.resnest import ResNeStSpec


class SplitAttention(nn.Layer):
    """3x3 convolution into ``radix`` splits, weighted by a softmax over the splits and summed."""

    def __init__(self, spec: ResNeStSpec, width: int) -> None:
        super().__init__()
        radix, squeezed = spec.radix, max(width * spec.radix // 4, 32)
        self.conv = Conv2D(width, width * radix, 3, padding=1, groups=radix, bias_attr=False)
        self.bn1 = BatchNorm2D(width * radix, spec.bn_eps, spec.bn_momentum)
        self.fc1 = Conv2D(width, squeezed, 1)
        self.bn2 = BatchNorm2D(squeezed, spec.bn_eps, spec.bn_momentum)
        self.fc2 = Conv2D(squeezed, width * radix, 1)
        self.radix = radix
        self.width = width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu(self.bn1(self.conv(x)))  # (N, radix C, H, W)
        chunks = paddle.chunk(x, self.radix, axis=1)
        splits = [chunks[i] for i in range(self.radix)]
        gap = F.adaptive_avg_pool2d(reduce(paddle.add, splits), 1)  # (N, C, 1, 1)
        scale = self.fc2(F.relu(self.bn2(self.fc1(gap))))  # (N, radix C, 1, 1)
        scale = F.softmax(scale.reshape([-1, self.radix, self.width, 1, 1]), axis=1)
        return reduce(paddle.add, [scale[:, i] * split for i, split in enumerate(splits)])


class Bottleneck(nn.Layer):
    """1x1, split attention, 1x1; average pooling for strides; added to the projected input, then ReLU."""

    def __init__(self, spec: ResNeStSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(spec, channels, width, act="relu")
        self.conv2 = SplitAttention(spec, width)
        self.pool = nn.AvgPool2D(3, stride, 1, exclusive=False) if stride != 1 else None
        self.conv3 = ConvBN(spec, width, 4 * width)
        project = stride != 1 or channels != 4 * width
        self.shortcut_pool = nn.AvgPool2D(stride, stride, ceil_mode=True) if project else None
        self.shortcut = ConvBN(spec, channels, 4 * width) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv2(self.conv1(x))
        if self.pool is not None:
            y = self.pool(y)
        if self.shortcut is not None and self.shortcut_pool is not None:
            x = self.shortcut(self.shortcut_pool(x))
        return F.relu(self.conv3(y) + x)


class ResNeStStem(nn.Layer):
    """3x3 convolution with stride 1, BN, PReLU."""

    def __init__(self, spec: ResNeStSpec) -> None:
        super().__init__()
        self.conv = Conv2D(spec.in_channels, 64, 3, padding=1, bias_attr=False)
        self.bn = BatchNorm2D(64, spec.bn_eps, spec.bn_momentum)
        self.prelu = PReLU(64)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.prelu(self.bn(self.conv(x)))


class ResNeSt(Backbone, nn.Layer):
    """Stem, four strided stages of bottlenecks, neck, L2 norm."""

    spec: ResNeStSpec

    def __init__(self, spec: ResNeStSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ResNeStStem(spec)
        self.stages = nn.LayerList()
        channels = 64
        for width, units in zip(spec.widths, spec.units, strict=True):
            blocks = [Bottleneck(spec, channels, width, 2)]
            blocks += [Bottleneck(spec, 4 * width, width, 1) for _ in range(units - 1)]
            self.stages.append(nn.LayerList(blocks))
            channels = 4 * width
        size = halved(spec.input_size, 4)
        self.neck = NECKS[spec.neck](channels, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 64, H, W)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        x = self.neck(x)  # (N, E)
        return F.normalize(x, axis=1) if self.spec.normalised else x
