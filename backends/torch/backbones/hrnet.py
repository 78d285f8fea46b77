"""HRNet with a face neck."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from facezoo.backends.torch.layers import NECKS, ConvBN, run_blocks
from facezoo.backends.torch.necks import NeckFlat
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.hrnet import HRNetSpec


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 to four times the width; added to the (projected) input, then ReLU."""

    def __init__(self, spec: HRNetSpec, channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(spec, channels, width, 1, act="relu")
        self.conv2 = ConvBN(spec, width, width, 3, act="relu")
        self.conv3 = ConvBN(spec, width, 4 * width, 1)
        self.shortcut = ConvBN(spec, channels, 4 * width, 1) if channels != 4 * width else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv3(self.conv2(self.conv1(x)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, added to the input, then ReLU."""

    def __init__(self, spec: HRNetSpec, width: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(spec, width, width, 3, act="relu")
        self.conv2 = ConvBN(spec, width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv2(self.conv1(x)) + x)


class Up(nn.Module):
    """1x1 convolution, BN, nearest up-sampling by ``factor``."""

    def __init__(self, spec: HRNetSpec, channels: int, width: int, factor: int) -> None:
        super().__init__()
        self.conv = ConvBN(spec, channels, width, 1)
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(self.conv(x), scale_factor=self.factor, mode="nearest")


class Down(nn.Module):
    """A chain of 3x3 convolutions with stride 2; only the last changes the width, and it has no ReLU."""

    def __init__(self, spec: HRNetSpec, channels: int, width: int, steps: int) -> None:
        super().__init__()
        convs = [ConvBN(spec, channels, channels, 3, 2, act="relu") for _ in range(steps - 1)]
        self.convs = nn.ModuleList([*convs, ConvBN(spec, channels, width, 3, 2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = conv(x)
        return x


class FusionModule(nn.Module):
    """Basic blocks on every branch, then each branch is the sum of all branches, resized to its resolution."""

    def __init__(self, spec: HRNetSpec, widths: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [nn.ModuleList([BasicBlock(spec, width) for _ in range(spec.units)]) for width in widths]
        )
        self.fuse = nn.ModuleList()
        for i, width in enumerate(widths):
            row = nn.ModuleList()  # resizes each other branch to this one, in order
            for j, channels in enumerate(widths):
                if j > i:
                    row.append(Up(spec, channels, width, 2 ** (j - i)))
                elif j < i:
                    row.append(Down(spec, channels, width, i - j))
            self.fuse.append(row)

    def forward(self, maps: list[torch.Tensor], recompute: bool) -> list[torch.Tensor]:
        maps = [run_blocks(blocks, x, recompute) for blocks, x in zip(self.branches, maps, strict=True)]
        fused = []
        for i, row in enumerate(self.fuse):
            total = maps[i]
            for position, resize in enumerate(row.children()):
                total = total + resize(maps[position if position < i else position + 1])
            fused.append(F.relu(total))
        return fused


class HRNetHead(nn.Module):
    """Bottlenecks on every branch, added downwards, then a 1x1 convolution to 2048 channels."""

    def __init__(self, spec: HRNetSpec, widths: list[int]) -> None:
        super().__init__()
        wide = [4 * width for width in spec.head_widths]
        self.grow = nn.ModuleList(
            [Bottleneck(spec, channels, width) for channels, width in zip(widths, spec.head_widths, strict=True)]
        )
        self.down = nn.ModuleList(
            [ConvBN(spec, wide[i], wide[i + 1], 3, 2, act="relu", bias=True) for i in range(len(wide) - 1)]
        )
        self.last = ConvBN(spec, wide[-1], 2048, 1, act="relu", bias=True)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        x = self.grow[0](maps[0])
        for i, down in enumerate(self.down):
            x = self.grow[i + 1](maps[i + 1]) + down(x)
        return self.last(x)


class HRNet(Backbone, nn.Module):
    """Stem, four bottlenecks, stages of 2, 3 and 4 branches, head, neck."""

    def __init__(self, spec: HRNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        widths = [spec.width * 2**i for i in range(4)]
        self.stem = nn.ModuleList(
            [ConvBN(spec, spec.in_channels, 64, 3, 2, act="relu"), ConvBN(spec, 64, 64, 3, act="relu")]
        )
        self.first = nn.ModuleList([Bottleneck(spec, 64 if i == 0 else 256, 64) for i in range(4)])
        self.enter = ConvBN(spec, 256, widths[0], 3, act="relu")
        self.lower = nn.ModuleList(  # each creates the next branch from the lowest one
            [ConvBN(spec, channels, widths[i + 1], 3, 2, act="relu") for i, channels in enumerate([256, *widths[1:3]])]
        )
        self.stages = nn.ModuleList(
            [
                nn.ModuleList([FusionModule(spec, widths[: i + 2]) for _ in range(count)])
                for i, count in enumerate(spec.modules)
            ]
        )
        self.head = HRNetHead(spec, widths)
        size = (spec.input_size[0] // 16, spec.input_size[1] // 16)
        arguments = (2048, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)
        self.neck = NeckFlat(*arguments) if spec.neck == "flat" else NECKS[spec.neck](*arguments)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        recompute = self.spec.checkpointing and self.training
        x = self.stem[1](self.stem[0](images))  # (N, 64, H/2, W/2)
        x = run_blocks(self.first, x, recompute)  # (N, 256, H/2, W/2)
        maps, lowest = [self.enter(x)], x
        for lower, stage in zip(self.lower, self.stages, strict=True):
            maps = [*maps, lower(lowest)]
            for module in stage.children():
                maps = module(maps, recompute)
            lowest = maps[-1]
        return self.neck(self.head(maps))  # (N, E)
