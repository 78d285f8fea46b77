"""Softmax: a plain linear classifier with bias."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead
from torch import nn


class Softmax(MarginHead):
    """Linear classifier: neither embeddings nor weights are normalised.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size,
            num_classes,
            criterion=criterion,
            label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )
        self.variant = variant
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Plain products in the place of cosines, (N, C_local)."""
        return F.linear(embeddings, self.full(self.weight), self.full(self.bias))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return cosine
