"""MobileNetV3 small and large, with the necks for faces."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, SqueezeExcite, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.mobilenetv3 import MobileNetV3Spec


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise, SE, project 1x1 without activation; added to the input if the shapes are equal."""

    def __init__(
        self, spec: MobileNetV3Spec, channels: int, width: int, expanded: int, kernel: int, stride: int, se: bool,
        act: str,
    ) -> None:  # fmt: skip
        super().__init__()
        self.expand = ConvBN(spec, channels, expanded, act=act) if expanded != channels else None
        self.depthwise = ConvBN(spec, expanded, expanded, kernel, stride, groups=expanded, act=act)
        self.se = SqueezeExcite(expanded, spec.squeezed(expanded), gate="hard_sigmoid") if se else None
        self.project = ConvBN(spec, expanded, width)
        self.residual = stride == 1 and channels == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        if self.se is not None:
            y = self.se(y)
        y = self.project(y)
        return x + y if self.residual else y


class MobileNetV3(Backbone, nn.Module):
    """Stem, inverted residuals, 1x1 convolution, neck."""

    def __init__(self, spec: MobileNetV3Spec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        channels = spec.scaled(16)
        self.stem = ConvBN(spec, spec.in_channels, channels, 3, 2 if spec.stem == "imagenet" else 1, act="hard_swish")
        self.blocks = nn.ModuleList()
        for kernel, expanded, row, se, act, stride in spec.rows:
            width = spec.scaled(row)
            block = InvertedResidual(spec, channels, width, spec.scaled(expanded), kernel, stride, se, act)
            self.blocks.append(block)
            channels = width
        last = spec.scaled(spec.last)
        self.last = ConvBN(spec, channels, last, act="hard_swish")
        self.neck = NECKS[spec.neck](
            last, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)  # (N, 16, H, W) or half of each side
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
