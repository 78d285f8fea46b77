"""Softmax: a plain linear classifier with bias."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.margin import MarginHead


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
        self.bias = self.create_parameter([num_classes], is_bias=True)

    def cosines(self, embeddings: paddle.Tensor) -> paddle.Tensor:
        """Plain products in the place of cosines, (N, C_local)."""
        return F.linear(embeddings, self.full(self.weight).T, self.full(self.bias))

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        return cosine
