"""Batch normalisation with torch's meaning of momentum and torch's unbiased running variance."""

from __future__ import annotations

from typing import Any

import paddle
import paddle.nn.functional as F
from paddle import nn


class _BatchNorm:
    """What the two classes below share; stands before paddle's class in their bases.

    Paddle keeps the biased variance of a batch, n/(n-1) below torch's: 6.7 % after a batch of 16 vectors. The
    running variance is corrected here after each step, so that evaluation after training agrees.

    In a static graph with oneDNN paddle never updates the running statistics. There an engine sets ``collector``
    to a list; each layer then appends the mean and the unbiased variance of its input, and the engine updates the
    buffers outside the graph, by :meth:`update`.
    """

    collector: list[tuple[paddle.Tensor, paddle.Tensor]] | None = None  # set on the class, for all layers at once
    layout: str  # as paddle names it
    frozen: bool = False  # set on the class while activations are computed a second time

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        attr = None if affine else False
        super().__init__(channels, momentum=1 - momentum, epsilon=eps, weight_attr=attr, bias_attr=attr)
        if not affine:  # paddle keeps constant tensors in their place, which are not state
            self.weight, self.bias = None, None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not self.training:
            return self._normalise(x)
        if _BatchNorm.collector is not None:
            return self._collect(x)
        kept_mean, kept_variance = self._mean.clone(), self._variance.clone()
        y = self._normalise(x)
        if _BatchNorm.frozen:
            self._mean.set_value(kept_mean)
            self._variance.set_value(kept_variance)
            return y
        count = x.size // x.shape[1]
        if count > 1:
            old = self._momentum * kept_variance
            self._variance.set_value(old + (self._variance - old) * (count / (count - 1)))
        return y

    def update(self, mean: paddle.Tensor, variance: paddle.Tensor) -> None:
        """Move the running statistics towards those of a batch, (C,) each; the variance unbiased."""
        keep = self._momentum
        self._mean.set_value(keep * self._mean + (1 - keep) * mean)
        self._variance.set_value(keep * self._variance + (1 - keep) * variance)

    def _collect(self, x: paddle.Tensor) -> paddle.Tensor:
        axes = [0, *range(2, x.ndim)]
        detached = x.detach().astype("float32")
        count = paddle.cast(paddle.numel(x) // x.shape[1], "float32")
        mean = detached.sum(axis=axes) / count  # paddle's mean prints a line each time it is compiled
        spread = detached - mean.reshape([1, -1] + [1] * (x.ndim - 2))
        _BatchNorm.collector.append((mean, (spread * spread).sum(axis=axes) / (count - 1)))
        return self._normalise(x)

    def _normalise(self, x: paddle.Tensor) -> paddle.Tensor:
        fixed = self.weight is not None and self.weight.stop_gradient and not self.bias.stop_gradient
        weight, bias = (None, None) if fixed else (self.weight, self.bias)
        y = F.batch_norm(
            x, self._mean, self._variance, weight, bias, self.training, self._momentum, self._epsilon, self.layout
        )
        if fixed:  # paddle gives a bias no gradient beside a fixed weight
            shape = [1, -1] + [1] * (x.ndim - 2)
            y = y * self.weight.reshape(shape) + self.bias.reshape(shape)
        return y


class BatchNorm2D(_BatchNorm, nn.BatchNorm2D):
    """Over (N, C, H, W).

    Args:
        channels: C.
        eps: added to the variance.
        momentum: weight of the new value, torch's meaning.
        affine: whether there is a trained weight and bias.
    """

    layout = "NCHW"


class BatchNorm1D(_BatchNorm, nn.BatchNorm1D):
    """Over (N, C); arguments as :class:`BatchNorm2D`."""

    layout = "NC"


def norms(module: Any) -> list[_BatchNorm]:
    """The batch norms of a module in the order of definition."""
    return [layer for layer in module.sublayers(include_self=True) if isinstance(layer, _BatchNorm)]
