"""ResNet, ResNeXt and SE-ResNeXt, with the ImageNet or the face stem."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, SqueezeExcite, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.backends.paddle.onednn import sequence
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.resnet import ResNetSpec


class ImageNetStem(nn.Layer):
    """7x7 convolution with stride 2, BN, ReLU, max-pool with stride 2."""

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        width = spec.widths[0]
        self.conv = Conv2D(spec.in_channels, width, 7, stride=2, padding=3, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2D(3, stride=2, padding=1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.pool(sequence.apply(x, self.conv, self.bn, self.relu))


class FaceStem(nn.Layer):
    """3x3 convolution with stride 1, BN, ReLU."""

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        width = spec.widths[0]
        self.conv = Conv2D(spec.in_channels, width, 3, padding=1, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.conv, self.bn, self.relu)


class Shortcut(nn.Layer):
    """1x1 convolution with stride, BN."""

    def __init__(self, spec: ResNetSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, width, 1, stride=stride, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.conv, self.bn)


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions; the stride is on the first."""

    def __init__(self, spec: ResNetSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        eps, momentum, outer = spec.bn_eps, spec.bn_momentum, spec.outer(width)
        self.relu = nn.ReLU()
        self.conv1 = Conv2D(channels, width, 3, stride=stride, padding=1, bias_attr=False)
        self.bn1 = BatchNorm2D(width, eps, momentum)
        self.conv2 = Conv2D(width, outer, 3, padding=1, bias_attr=False)
        self.bn2 = BatchNorm2D(outer, eps, momentum)
        project = channels != outer or stride != 1
        self.shortcut = Shortcut(spec, channels, outer, stride) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = sequence.apply(x, self.conv1, self.bn1, self.relu, self.conv2, self.bn2)
        if self.shortcut is not None:
            x = self.shortcut(x)
        return self.relu(x + y)


class Bottleneck(nn.Layer):
    """1x1, 3x3 (in groups, with the stride), 1x1 to four times the width; SE on the branch if the spec has it."""

    def __init__(self, spec: ResNetSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        eps, momentum, inner, outer = spec.bn_eps, spec.bn_momentum, spec.inner(width), spec.outer(width)
        self.relu = nn.ReLU()
        self.conv1 = Conv2D(channels, inner, 1, bias_attr=False)
        self.bn1 = BatchNorm2D(inner, eps, momentum)
        self.conv2 = Conv2D(inner, inner, 3, stride=stride, padding=1, groups=spec.groups, bias_attr=False)
        self.bn2 = BatchNorm2D(inner, eps, momentum)
        self.conv3 = Conv2D(inner, outer, 1, bias_attr=False)
        self.bn3 = BatchNorm2D(outer, eps, momentum)
        self.se = SqueezeExcite(outer, outer // 16) if spec.se else None
        project = channels != outer or stride != 1
        self.shortcut = Shortcut(spec, channels, outer, stride) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = sequence.apply(x, self.conv1, self.bn1, self.relu, self.conv2, self.bn2, self.relu, self.conv3, self.bn3)
        if self.se is not None:
            y = self.se(y)
        if self.shortcut is not None:
            x = self.shortcut(x)
        return self.relu(x + y)


class ResNet(Backbone, nn.Layer):
    """Stem, four stages, neck."""

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        face = spec.stem == "face"
        self.stem = FaceStem(spec) if face else ImageNetStem(spec)
        block = Bottleneck if spec.bottleneck else BasicBlock
        self.stages = nn.LayerList()
        channels = spec.widths[0]
        for index, (width, units) in enumerate(zip(spec.widths, spec.units, strict=True)):
            blocks = [block(spec, channels, width, 2 if face or index else 1)]
            channels = spec.outer(width)
            blocks += [block(spec, channels, width, 1) for _ in range(units - 1)]
            self.stages.append(nn.LayerList(blocks))
        neck = NECKS[spec.neck]
        self.neck = neck(channels, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 64, H, W) or a quarter of each side
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
