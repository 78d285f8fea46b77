"""Layers that several backbone families share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from facezoo.backends.torch.conv import Conv2d
from facezoo.backends.torch.prelu import PReLU
from facezoo.specs.base import BackboneSpec

ACTIVATIONS = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}


def activation(name: str, channels: int) -> nn.Module:
    """The activation of that name; "prelu" has one slope per channel."""
    return PReLU(channels) if name == "prelu" else ACTIVATIONS[name]()


class ConvBN(nn.Module):
    """Convolution, BN, activation.

    ``padding`` is (left, right, top, bottom); None pads k // 2, which keeps the size at stride 1.
    """

    def __init__(
        self, spec: BackboneSpec, channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1,
        act: str = "none", padding: tuple[int, int, int, int] | None = None, bias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        left, right, top, bottom = (kernel // 2,) * 4 if padding is None else padding
        even = (left, top) == (right, bottom)
        self.pad = None if even else nn.ZeroPad2d((left, right, top, bottom))
        inside = (top, left) if even else 0
        self.conv = Conv2d(channels, width, kernel, stride, inside, groups=groups, bias=bias)
        self.bn = nn.BatchNorm2d(width, spec.bn_eps, spec.bn_momentum)
        self.act = activation(act, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.pad is not None:
            x = self.pad(x)
        return self.act(self.bn(self.conv(x)))


class ConvBNPReLU(nn.Module):
    """Convolution without bias, BN, PReLU; pads k // 2, which keeps the size at stride 1."""

    def __init__(
        self, spec: BackboneSpec, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(width, spec.bn_eps, spec.bn_momentum)
        self.prelu = PReLU(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.prelu(self.bn(self.conv(x)))


class SqueezeExcite(nn.Module):
    """Channel attention: pool, squeeze, excite, multiply (Hu et al., arXiv 1709.01507)."""

    def __init__(
        self, channels: int, squeezed: int, bias: bool = True, act: str = "relu", gate: str = "sigmoid"
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1, bias=bias)
        self.act = activation(act, squeezed)
        self.fc2 = nn.Conv2d(squeezed, channels, 1, bias=bias)
        self.gate = activation(gate, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.fc2(self.act(self.fc1(self.pool(x))))  # (N, C, 1, 1)
        return x * self.gate(scale)


class DropPath(nn.Module):
    """Stochastic depth: in training, a sample's branch is dropped with ``probability``, otherwise scaled up."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.probability == 0.0 or not self.training:
            return x
        one = (slice(None), *[slice(0, 1)] * (x.dim() - 1))
        kept = torch.ones_like(x[one]) * (1 - self.probability)  # (N, 1, ..., 1)
        return x / (1 - self.probability) * torch.bernoulli(kept)


class NeckE(nn.Module):
    """BN, dropout, flatten, linear, BN: the neck of the ArcFace paper's setting E."""

    def __init__(
        self, channels: int, size: tuple[int, int], embedding_size: int, dropout: float, eps: float, momentum: float,
        last_norm: str = "affine",
    ) -> None:  # fmt: skip
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps, momentum)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size[0] * size[1], embedding_size)
        self.bn_out = nn.BatchNorm1d(embedding_size, eps, momentum, affine=last_norm != "plain")
        if last_norm == "bias":  # the weight stays at 1
            self.bn_out.weight.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.bn(x))  # (N, C, h, w)
        return self.bn_out(self.linear(torch.flatten(x, 1)))  # (N, E)


class NeckGAP(nn.Module):
    """Global average pool, linear, BN."""

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        embedding_size: int,
        dropout: float,
        eps: float,
        momentum: float,
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, embedding_size)
        self.bn_out = nn.BatchNorm1d(embedding_size, eps, momentum)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.dropout(torch.flatten(self.pool(x), 1))  # (N, C)
        return self.bn_out(self.linear(x))  # (N, E)


class NeckGDC(nn.Module):
    """Depthwise convolution over the whole map, BN, linear without bias, BN (MobileFaceNet)."""

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        embedding_size: int,
        dropout: float,
        eps: float,
        momentum: float,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, size, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps, momentum)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, embedding_size, bias=False)
        self.bn_out = nn.BatchNorm1d(embedding_size, eps, momentum)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.flatten(self.bn(self.conv(x)), 1)  # (N, C)
        return self.bn_out(self.linear(self.dropout(x)))  # (N, E)


NECKS = {"E": NeckE, "GAP": NeckGAP, "GDC": NeckGDC}


def channel_shuffle(x: torch.Tensor, groups: int) -> torch.Tensor:
    """Channel shuffle of ShuffleNet: one channel from each group in turn."""
    return x.unflatten(1, (groups, x.shape[1] // groups)).transpose(1, 2).flatten(1, 2)


def run_blocks(blocks: nn.Module, x: torch.Tensor, checkpointing: bool) -> torch.Tensor:
    """Apply the children of ``blocks`` in order; ``checkpointing`` recomputes activations in the backward pass."""
    for block in blocks.children():
        if checkpointing and not isinstance(x, torch.fx.Proxy) and torch.is_grad_enabled() and x.requires_grad:
            x = checkpoint(block, x, use_reentrant=False, context_fn=partial(_contexts, block))
        else:
            x = block(x)
    return x


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts of the first and of the recomputing forward pass."""
    return nullcontext(), _frozen_statistics(block)


@contextmanager
def _frozen_statistics(block: nn.Module) -> Iterator[None]:
    """Keep the running statistics unchanged: the recomputing pass must not count a batch twice."""
    norms = [layer for layer in block.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
