"""Stochastic depth."""

from __future__ import annotations

import paddle
from paddle import nn


class DropPath(nn.Layer):
    """Leave a residual branch out, by sample, while training (Huang et al., arXiv 1603.09382)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        shape = [x.shape[0]] + [1] * (x.ndim - 1)
        mask = paddle.floor(paddle.rand(shape, dtype=x.dtype) + kept)
        return x * mask / kept
