"""ShuffleNetV2 with the necks for faces."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, channel_shuffle, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.shufflenetv2 import ShuffleNetV2Spec


class ShuffleUnit(nn.Module):
    """Half of the channels are unchanged, the others go through 1x1, depthwise 3x3, 1x1; then a channel shuffle."""

    def __init__(self, spec: ShuffleNetV2Spec, width: int) -> None:
        super().__init__()
        half = width // 2
        self.reduce = ConvBN(spec, half, half, act="relu")
        self.depthwise = ConvBN(spec, half, half, 3, groups=half)
        self.expand = ConvBN(spec, half, half, act="relu")
        self.split = half

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.expand(self.depthwise(self.reduce(x[:, self.split :])))
        return channel_shuffle(torch.cat([x[:, : self.split], y], 1), 2)


class StridedUnit(nn.Module):
    """Both branches take all channels and halve the resolution; then a channel shuffle."""

    def __init__(self, spec: ShuffleNetV2Spec, channels: int, width: int) -> None:
        super().__init__()
        left, half = spec.left(channels, width), width // 2
        self.left_depthwise = ConvBN(spec, channels, channels, 3, 2, groups=channels)
        self.left_expand = ConvBN(spec, channels, left, act="relu")
        self.reduce = ConvBN(spec, channels, half, act="relu")
        self.depthwise = ConvBN(spec, half, half, 3, 2, groups=half)
        self.expand = ConvBN(spec, half, width - left, act="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.expand(self.depthwise(self.reduce(x)))
        x = self.left_expand(self.left_depthwise(x))
        return channel_shuffle(torch.cat([x, y], 1), 2)


class ShuffleNetV2(Backbone, nn.Module):
    """Stem, three stages of units, 1x1 convolution, neck."""

    def __init__(self, spec: ShuffleNetV2Spec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ConvBN(spec, spec.in_channels, spec.first, 3, 2, act="relu")
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if spec.stem == "imagenet" else None
        self.stages = nn.ModuleList()
        channels = spec.first
        for width, units in zip(spec.widths, spec.units, strict=True):
            blocks: list[nn.Module] = [StridedUnit(spec, channels, width)]
            blocks += [ShuffleUnit(spec, width) for _ in range(units - 1)]
            self.stages.append(nn.ModuleList(blocks))
            channels = width
        self.last = ConvBN(spec, channels, spec.last_width, act="relu")
        self.neck = NECKS[spec.neck](
            spec.last_width, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)  # (N, 24, H/2, W/2)
        if self.pool is not None:
            x = self.pool(x)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
