"""GhostNet with the necks for faces."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, SqueezeExcite, run_blocks
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.ghostnet import GhostNetSpec


class Ghost(nn.Module):
    """1x1 convolution to half the width, depthwise 3x3 on its output for the other half, concatenated."""

    def __init__(self, spec: GhostNetSpec, channels: int, width: int, act: str) -> None:
        super().__init__()
        half = -(-width // 2)
        self.primary = ConvBN(spec, channels, half, act=act)
        self.cheap = ConvBN(spec, half, half, 3, groups=half, act=act)
        self.width = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.primary(x)
        return torch.cat([x, self.cheap(x)], 1)[:, : self.width]  # one channel less if the width is odd


class Shortcut(nn.Module):
    """Depthwise convolution with the stride, 1x1 convolution, each with BN."""

    def __init__(self, spec: GhostNetSpec, channels: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.depthwise = ConvBN(spec, channels, channels, kernel, stride, groups=channels)
        self.pointwise = ConvBN(spec, channels, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pointwise(self.depthwise(x))


class GhostBottleneck(nn.Module):
    """Ghost module to the expanded width, depthwise if strided, SE, linear ghost module; added to the shortcut."""

    def __init__(
        self, spec: GhostNetSpec, channels: int, width: int, expanded: int, kernel: int, stride: int, se: bool
    ) -> None:
        super().__init__()
        self.ghost1 = Ghost(spec, channels, expanded, "relu")
        self.depthwise = ConvBN(spec, expanded, expanded, kernel, stride, groups=expanded) if stride > 1 else None
        self.se = SqueezeExcite(expanded, spec.squeezed(expanded), gate="hard_sigmoid") if se else None
        self.ghost2 = Ghost(spec, expanded, width, "none")
        same = channels == width and stride == 1
        self.shortcut = None if same else Shortcut(spec, channels, width, kernel, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ghost1(x)
        if self.depthwise is not None:
            y = self.depthwise(y)
        if self.se is not None:
            y = self.se(y)
        y = self.ghost2(y)
        return y + (x if self.shortcut is None else self.shortcut(x))


class GhostNet(Backbone, nn.Module):
    """Stem, ghost bottlenecks, 1x1 convolution, neck."""

    def __init__(self, spec: GhostNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        channels = spec.scaled(16)
        self.stem = ConvBN(spec, spec.in_channels, channels, 3, 2 if spec.stem == "imagenet" else 1, act="relu")
        self.blocks = nn.ModuleList()
        for kernel, row, out, se, stride in spec.rows:
            expanded, width = spec.scaled(row), spec.scaled(out)
            self.blocks.append(GhostBottleneck(spec, channels, width, expanded, kernel, stride, se))
            channels = width
        self.last = ConvBN(spec, channels, expanded, act="relu")
        self.neck = NECKS[spec.neck](
            expanded, spec.last_map, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)  # (N, 16, H, W) or half of each side
        x = run_blocks(self.blocks, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
