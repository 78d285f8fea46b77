"""Softmax: a plain linear classifier with bias."""

from __future__ import annotations

from facezoo.backends.paddle.heads.margin import LinearHead


class Softmax(LinearHead):
    """Linear classifier with bias under cross-entropy.

    Neither embeddings x nor class weights W are normalised::

        z_j = W_j . x + b_j
        loss = cross-entropy of z

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
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
