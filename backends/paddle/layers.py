"""Layers that several backbone families share."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.distributed.fleet.utils import recompute

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.norm import BatchNorm1D, BatchNorm2D, _BatchNorm
from facezoo.backends.paddle.onednn import sequence
from facezoo.backends.paddle.prelu import PReLU
from facezoo.specs.base import BackboneSpec

ACTIVATIONS = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.Silu,
    "hard_swish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}


def activation(name: str, channels: int) -> nn.Layer:
    """The activation of that name; "prelu" has one slope per channel."""
    return PReLU(channels) if name == "prelu" else ACTIVATIONS[name]()


class ConvBN(nn.Layer):
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
        self.pad = None if even else nn.ZeroPad2D([left, right, top, bottom])
        inside = (top, left) if even else 0
        self.conv = Conv2D(channels, width, kernel, stride, inside, groups=groups, bias_attr=None if bias else False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)
        self.act = activation(act, width)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, *self.in_order())

    def in_order(self) -> tuple[nn.Layer | None, ...]:
        """The layers, in the order of their application."""
        return self.pad, self.conv, self.bn, self.act


class ConvBNPReLU(nn.Layer):
    """Convolution without bias, BN, PReLU; pads k // 2, which keeps the size at stride 1."""

    def __init__(
        self, spec: BackboneSpec, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = Conv2D(channels, width, kernel, stride, kernel // 2, groups=groups, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)
        self.prelu = PReLU(width)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, *self.in_order())

    def in_order(self) -> tuple[nn.Layer, ...]:
        """The layers, in the order of their application."""
        return self.conv, self.bn, self.prelu


class SqueezeExcite(nn.Layer):
    """Channel attention: pool, squeeze, excite, multiply (Hu et al., arXiv 1709.01507)."""

    def __init__(
        self, channels: int, squeezed: int, bias: bool = True, act: str = "relu", gate: str = "sigmoid"
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.fc1 = Conv2D(channels, squeezed, 1, bias_attr=None if bias else False)
        self.act = activation(act, squeezed)
        self.fc2 = Conv2D(squeezed, channels, 1, bias_attr=None if bias else False)
        self.gate = activation(gate, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        scale = self.fc2(self.act(self.fc1(self.pool(x))))  # (N, C, 1, 1)
        return x * self.gate(scale)


class DropPath(nn.Layer):
    """Stochastic depth: in training, a sample's branch is dropped with ``probability``, otherwise scaled up."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.probability == 0.0 or not self.training:
            return x
        one = (slice(None), *[slice(0, 1)] * (x.ndim - 1))
        kept = paddle.ones_like(x[one]) * (1 - self.probability)  # (N, 1, ..., 1)
        return x / (1 - self.probability) * paddle.bernoulli(kept)


class NeckE(nn.Layer):
    """BN, dropout, flatten, linear, BN: the neck of the ArcFace paper's setting E."""

    def __init__(
        self, channels: int, size: tuple[int, int], embedding_size: int, dropout: float, eps: float, momentum: float,
        last_norm: str = "affine",
    ) -> None:  # fmt: skip
        super().__init__()
        self.bn = BatchNorm2D(channels, eps, momentum)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size[0] * size[1], embedding_size)
        self.bn_out = BatchNorm1D(embedding_size, eps, momentum, affine=last_norm != "plain")
        if last_norm == "bias" and self.bn_out.weight is not None:  # the weight stays at 1
            self.bn_out.weight.stop_gradient = True

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dropout(self.bn(x))  # (N, C, h, w)
        return self.bn_out(self.linear(paddle.flatten(x, 1)))  # (N, E)


class NeckGAP(nn.Layer):
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
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, embedding_size)
        self.bn_out = BatchNorm1D(embedding_size, eps, momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dropout(paddle.flatten(self.pool(x), 1))  # (N, C)
        return self.bn_out(self.linear(x))  # (N, E)


class NeckGDC(nn.Layer):
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
        self.conv = Conv2D(channels, channels, size, groups=channels, bias_attr=False)
        self.bn = BatchNorm2D(channels, eps, momentum)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, embedding_size, bias_attr=False)
        self.bn_out = BatchNorm1D(embedding_size, eps, momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = paddle.flatten(self.bn(self.conv(x)), 1)  # (N, C)
        return self.bn_out(self.linear(self.dropout(x)))  # (N, E)


NECKS = {"E": NeckE, "GAP": NeckGAP, "GDC": NeckGDC}


def channel_shuffle(x: paddle.Tensor, groups: int) -> paddle.Tensor:
    """Channel shuffle of ShuffleNet: one channel from each group in turn."""
    parts = paddle.unflatten(x, 1, [groups, x.shape[1] // groups])
    return paddle.flatten(paddle.transpose(parts, [0, 2, 1, 3, 4]), 1, 2)


def run_blocks(blocks: nn.Layer, x: paddle.Tensor, checkpointing: bool) -> paddle.Tensor:
    """Apply the children of ``blocks`` in order; ``checkpointing`` recomputes activations in the backward pass."""
    for block in blocks.children():
        if checkpointing and paddle.is_grad_enabled() and not x.stop_gradient:
            x = recompute(_OncePerBatch(block), x)
        else:
            x = block(x)
    return x


class _OncePerBatch:
    """A block that updates running statistics in the first pass only: the recomputing pass must not count twice."""

    def __init__(self, block: nn.Layer) -> None:
        self.block = block
        self.first = True

    def __call__(self, x: paddle.Tensor) -> paddle.Tensor:
        _BatchNorm.frozen, self.first = not self.first, False
        try:
            return self.block(x)
        finally:
            _BatchNorm.frozen = False
