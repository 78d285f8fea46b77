"""Batch normalisation with torch's meaning of momentum and torch's unbiased running variance."""

from __future__ import annotations

from typing import Literal

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.onednn.batchnorm import BatchNorm


class _BatchNorm(nn.layer.norm._BatchNormBase):
    """Base of the two classes below; comes before paddle's class in their bases.

    Paddle keeps the biased variance of a batch, n/(n-1) below torch's: 6.7 % for a batch of 16 vectors. The
    running variance is corrected here after each step, so that evaluation after training agrees.
    """

    layout: Literal["NCHW", "NC"]
    frozen: bool = False  # set on the class while activations are recomputed

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        attr = None if affine else False
        super().__init__(channels, momentum=1 - momentum, epsilon=eps, weight_attr=attr, bias_attr=attr)
        if not affine:  # paddle uses constant tensors instead, which are not state
            self.weight, self.bias = None, None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not self.training:
            return self._normalise(x)
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

    def operation(self, shape: tuple[int, ...]) -> BatchNorm | None:
        """The norm of an input (N, C, H, W) by oneDNN, which also updates the running statistics."""
        if self.layout != "NCHW" or self._mean.dtype != paddle.float32:
            return None
        return BatchNorm(shape, self._epsilon, self.weight, self.bias, self._update)

    @paddle.no_grad()
    def _update(self, mean: paddle.Tensor, variance: paddle.Tensor, count: int) -> None:
        """Move the running statistics towards those of a batch of ``count`` values; its variance is the biased one."""
        if _BatchNorm.frozen:
            return
        old, new = self._momentum, 1 - self._momentum
        self._mean.set_value(old * self._mean + new * mean)
        self._variance.set_value(old * self._variance + new * count / max(count - 1, 1) * variance)

    def _normalise(self, x: paddle.Tensor) -> paddle.Tensor:
        weight, bias = self.weight, self.bias
        if weight is None or bias is None or not (self.training and weight.stop_gradient) or bias.stop_gradient:
            return self._batch_norm(x, weight, bias)
        shape = [1, -1] + [1] * (x.ndim - 2)  # paddle gives a bias no gradient beside a fixed weight
        return self._batch_norm(x, None, None) * weight.reshape(shape) + bias.reshape(shape)

    def _batch_norm(self, x: paddle.Tensor, weight: paddle.Tensor | None, bias: paddle.Tensor | None) -> paddle.Tensor:
        return F.batch_norm(
            x, self._mean, self._variance, weight, bias, self.training, self._momentum, self._epsilon, self.layout
        )


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
