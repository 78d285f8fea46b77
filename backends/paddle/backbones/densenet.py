"""DenseNet with the necks for faces."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.backends.paddle.onednn import sequence
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.densenet import DenseNetSpec


class DenseStem(nn.Layer):
    """Convolution with stride 2, BN, ReLU; the ImageNet form is 7x7 and has a max-pool."""

    def __init__(self, spec: DenseNetSpec) -> None:
        super().__init__()
        imagenet = spec.stem == "imagenet"
        kernel = 7 if imagenet else 3
        self.conv = Conv2D(spec.in_channels, spec.first, kernel, stride=2, padding=kernel // 2, bias_attr=False)
        self.bn = BatchNorm2D(spec.first, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2D(3, stride=2, padding=1) if imagenet else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = sequence.apply(x, self.conv, self.bn, self.relu)
        return x if self.pool is None else self.pool(x)


class DenseLayer(nn.Layer):
    """BN, ReLU, 1x1, BN, ReLU, 3x3; the result is appended to the input's channels."""

    def __init__(self, spec: DenseNetSpec, channels: int) -> None:
        super().__init__()
        inner = 4 * spec.growth
        self.relu = nn.ReLU()
        self.bn1 = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.conv1 = Conv2D(channels, inner, 1, bias_attr=False)
        self.bn2 = BatchNorm2D(inner, spec.bn_eps, spec.bn_momentum)
        self.conv2 = Conv2D(inner, spec.growth, 3, padding=1, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = sequence.apply(x, self.bn1, self.relu, self.conv1, self.bn2, self.relu, self.conv2)
        return paddle.concat([x, y], 1)


class Transition(nn.Layer):
    """BN, ReLU, 1x1 to half the channels, average pool."""

    def __init__(self, spec: DenseNetSpec, channels: int) -> None:
        super().__init__()
        self.bn = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.conv = Conv2D(channels, channels // 2, 1, bias_attr=False)
        self.pool = nn.AvgPool2D(2, stride=2, exclusive=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.pool(sequence.apply(x, self.bn, self.relu, self.conv))


class DenseNet(Backbone, nn.Layer):
    """Stem, four dense blocks with transitions between them, BN, ReLU, neck."""

    def __init__(self, spec: DenseNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = DenseStem(spec)
        self.stages = nn.LayerList()
        channels = spec.first
        for index, count in enumerate(spec.layers):
            blocks: list[nn.Layer] = []
            if index:
                blocks.append(Transition(spec, channels))
                channels //= 2
            for _ in range(count):
                blocks.append(DenseLayer(spec, channels))
                channels += spec.growth
            self.stages.append(nn.LayerList(blocks))
        self.bn = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.neck = NECKS[spec.neck](
            channels, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 64, H/2, W/2), or a quarter of each side
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(self.relu(self.bn(x)))  # (N, E)
