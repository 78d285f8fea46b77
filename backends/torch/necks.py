"""The neck that flattens the last feature map without a norm before it."""

from __future__ import annotations

import torch
from torch import nn


class NeckFlat(nn.Module):
    """Dropout, flatten, linear, BN."""

    def __init__(
        self, channels: int, size: tuple[int, int], embedding_size: int, dropout: float, eps: float, momentum: float,
        bias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size[0] * size[1], embedding_size, bias=bias)
        self.bn_out = nn.BatchNorm1d(embedding_size, eps, momentum)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn_out(self.linear(torch.flatten(self.dropout(x), 1)))  # (N, E)
