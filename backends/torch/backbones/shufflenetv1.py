"""ShuffleNetV1 with the necks for faces."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, channel_shuffle, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.shufflenetv1 import ShuffleNetV1Spec


class ShuffleUnit(nn.Module):
    """Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; added to the input, or at stride 2 concatenated to its pool."""

    def __init__(self, spec: ShuffleNetV1Spec, channels: int, width: int, stride: int, first: bool) -> None:
        super().__init__()
        inner, out = width // 4, width - channels if stride == 2 else width
        self.reduce = ConvBN(spec, channels, inner, groups=1 if first else spec.groups, act="relu")
        self.depthwise = ConvBN(spec, inner, inner, 3, stride, groups=inner)
        self.expand = ConvBN(spec, inner, out, groups=spec.groups)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else None
        self.groups = spec.groups
        self.before = spec.shuffle == "before"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.reduce(x)
        if self.before:
            y = channel_shuffle(y, self.groups)
        y = self.depthwise(y)
        if not self.before:
            y = channel_shuffle(y, self.groups)
        y = self.expand(y)
        if self.pool is not None:
            return torch.cat([self.pool(x), self.relu(y)], 1)
        return self.relu(x + y)


class ShuffleNetV1(Backbone, nn.Module):
    """Stem, three stages of units, neck."""

    def __init__(self, spec: ShuffleNetV1Spec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ConvBN(spec, spec.in_channels, spec.first, 3, 2, act="relu")
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if spec.stem == "imagenet" else None
        self.stages = nn.ModuleList()
        channels = spec.first
        for index, (width, units) in enumerate(zip(spec.widths, spec.units, strict=True)):
            blocks = [ShuffleUnit(spec, channels, width, 2, index == 0)]
            blocks += [ShuffleUnit(spec, width, width, 1, False) for _ in range(units - 1)]
            self.stages.append(nn.ModuleList(blocks))
            channels = width
        self.neck = NECKS[spec.neck](
            channels, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)  # (N, 24, H/2, W/2)
        if self.pool is not None:
            x = self.pool(x)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
