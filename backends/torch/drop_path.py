"""Stochastic depth."""

from __future__ import annotations

import torch
from torch import nn


class DropPath(nn.Module):
    """Leave a residual branch out, by sample, while training (Huang et al., arXiv 1603.09382)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        shape = [x.shape[0]] + [1] * (x.dim() - 1)
        mask = torch.floor(torch.rand(shape, dtype=x.dtype, device=x.device) + kept)
        return x * mask / kept
