"""EfficientNet with the necks for faces."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, DropPath, SqueezeExcite, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.efficientnet import EfficientNetSpec, MBConv


class MBConvBlock(nn.Module):
    """Expand 1x1, depthwise, SE, project 1x1 without activation; added to the input if the shapes are equal."""

    def __init__(self, spec: EfficientNetSpec, row: MBConv) -> None:
        super().__init__()
        inner = row.channels * row.expansion
        self.expand = ConvBN(spec, row.channels, inner, act="silu") if row.expansion != 1 else None
        self.depthwise = ConvBN(spec, inner, inner, row.kernel, row.stride, inner, "silu", row.padding)
        self.se = SqueezeExcite(inner, row.squeezed, act="silu")
        self.project = ConvBN(spec, inner, row.width)
        self.drop = DropPath(row.drop)
        self.residual = row.stride == 1 and row.channels == row.width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.se(self.depthwise(y)))
        return x + self.drop(y) if self.residual else y


class EfficientNet(Backbone, nn.Module):
    """Stem, MBConv blocks, 1x1 convolution, neck."""

    def __init__(self, spec: EfficientNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        stride = 2 if spec.stem == "imagenet" else 1
        self.stem = ConvBN(spec, spec.in_channels, spec.first, 3, stride, act="silu", padding=spec.stem_padding())
        rows = spec.blocks()
        self.blocks = nn.ModuleList([MBConvBlock(spec, row) for row in rows])
        self.last = ConvBN(spec, rows[-1].width, spec.last_width, act="silu")
        neck_eps = spec.bn_eps if spec.neck_eps is None else spec.neck_eps
        self.neck = NECKS[spec.neck](
            spec.last_width, spec.last_map, spec.embedding_size, spec.dropout, neck_eps, spec.bn_momentum
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)  # (N, 32, H, W) or half of each side
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
