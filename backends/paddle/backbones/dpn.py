"""Dual path networks with the necks for faces."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.backends.paddle.onednn import sequence
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.dpn import DPNSpec


class DPNStem(nn.Layer):
    """Convolution with stride 2, BN, ReLU; a max-pool in the ImageNet form."""

    def __init__(self, spec: DPNSpec) -> None:
        super().__init__()
        kernel = spec.kernel
        self.conv = Conv2D(spec.in_channels, spec.first, kernel, stride=2, padding=kernel // 2, bias_attr=False)
        self.bn = BatchNorm2D(spec.first, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2D(3, stride=2, padding=1) if spec.stem == "imagenet" else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = sequence.apply(x, self.conv, self.bn, self.relu)
        return x if self.pool is None else self.pool(x)


class BNConv(nn.Layer):
    """BN, ReLU, convolution."""

    def __init__(
        self, spec: DPNSpec, channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.bn = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.conv = Conv2D(channels, width, kernel, stride, kernel // 2, groups=groups, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.bn, self.relu, self.conv)


class DualPathBlock(nn.Layer):
    """One block: its first ``residual`` channels are added, the others are appended to the dense part."""

    def __init__(
        self, spec: DPNSpec, channels: int, residual: int, inner: int, increment: int, stride: int, first: bool
    ) -> None:
        super().__init__()
        self.project = BNConv(spec, channels, residual + 2 * increment, stride=stride) if first else None
        self.reduce = BNConv(spec, channels, inner)
        self.grouped = BNConv(spec, inner, inner, 3, stride, spec.groups)
        self.expand = BNConv(spec, inner, residual + increment)
        self.residual = residual

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.expand(self.grouped(self.reduce(x)))
        if self.project is not None:
            x = self.project(x)
        split = self.residual
        return paddle.concat([x[:, :split] + y[:, :split], x[:, split:], y[:, split:]], 1)


class DPN(Backbone, nn.Layer):
    """Stem, four stages, BN, ReLU, neck. A feature map is the residual part followed by the dense part."""

    def __init__(self, spec: DPNSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = DPNStem(spec)
        self.stages = nn.LayerList()
        channels = spec.first
        rows = zip(spec.units, spec.residual, spec.inner, spec.increments, strict=True)
        for stage, (units, residual, inner, increment) in enumerate(rows):
            blocks = []
            for index in range(units):
                stride = 2 if stage and index == 0 else 1
                blocks.append(DualPathBlock(spec, channels, residual, inner, increment, stride, index == 0))
                channels = residual + (index + 3) * increment
            self.stages.append(nn.LayerList(blocks))
        self.bn = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.relu = nn.ReLU()
        self.neck = NECKS[spec.neck](
            channels, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, first, H/2, W/2), or a quarter of each side
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(self.relu(self.bn(x)))  # (N, E)
