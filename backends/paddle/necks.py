"""The neck that flattens the last feature map without a norm before it."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.norm import BatchNorm1D


class NeckFlat(nn.Layer):
    """Dropout, flatten, linear, BN."""

    def __init__(
        self, channels: int, size: tuple[int, int], embedding_size: int, dropout: float, eps: float, momentum: float,
        bias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size[0] * size[1], embedding_size, bias_attr=None if bias else False)
        self.bn_out = BatchNorm1D(embedding_size, eps, momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.bn_out(self.linear(paddle.flatten(self.dropout(x), 1)))  # (N, E)
