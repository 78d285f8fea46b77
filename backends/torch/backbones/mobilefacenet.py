"""MobileFaceNet and its wider, deeper forms."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, ConvBNPReLU, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.mobilefacenet import MobileFaceNetSpec


class Bottleneck(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1; added to the input when ``residual``."""

    def __init__(
        self, spec: MobileFaceNetSpec, channels: int, width: int, expanded: int, stride: int, residual: bool
    ) -> None:
        super().__init__()
        self.expand = ConvBNPReLU(spec, channels, expanded, 1)
        self.depthwise = ConvBNPReLU(spec, expanded, expanded, 3, stride, groups=expanded)
        self.project = ConvBN(spec, expanded, width)
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class MobileFaceNet(Backbone, nn.Module):
    """Stem, second layer, three strided stages, 1x1 convolution, global depthwise neck."""

    def __init__(self, spec: MobileFaceNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        narrow, wide = 64 * spec.scale, 128 * spec.scale
        second, *repeats = spec.blocks
        self.stem = ConvBNPReLU(spec, spec.in_channels, narrow, 3, stride=2)
        if second == 1:
            layers: list[nn.Module] = [ConvBNPReLU(spec, narrow, narrow, 3, groups=spec.second_groups)]
        else:
            layers = [Bottleneck(spec, narrow, narrow, spec.expansions[0], 1, True) for _ in range(second)]
        self.second = nn.ModuleList(layers)
        self.stages = nn.ModuleList()
        inside = zip(spec.expansions[::2], spec.expansions[1::2], strict=True)
        rows = ((narrow, narrow), (narrow, wide), (wide, wide))
        for (channels, width), (first, rest), count in zip(rows, inside, repeats, strict=True):
            blocks = [Bottleneck(spec, channels, width, first, 2, False)]
            blocks += [Bottleneck(spec, width, width, rest, 1, True) for _ in range(count)]
            self.stages.append(nn.ModuleList(blocks))
        self.last = ConvBNPReLU(spec, wide, 512, 1)
        size = halved(spec.input_size, 4)
        self.neck = NECKS[spec.neck](512, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        recompute = self.spec.checkpointing and self.training
        x = run_blocks(self.second, self.stem(images), recompute)  # (N, 64 s, H/2, W/2)
        for stage in self.stages:
            x = run_blocks(stage, x, recompute)
        return self.neck(self.last(x))  # (N, E)
