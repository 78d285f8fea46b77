"""Class-balanced weighting: samples of rare classes have higher weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import paddle

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.margin import LinearHead
from facezoo.canonical.class_rows import held_rows


def class_balanced_weights(counts: paddle.Tensor, beta: float) -> paddle.Tensor:
    """(1 - β) / (1 - β^n) for each class; accurate for β close to 1."""
    if beta == 0:
        return paddle.ones_like(counts)
    return (1 - beta) / -paddle.expm1(counts * math.log1p(beta - 1))


class ClassBalanced(LinearHead):
    """Linear classifier under class-balanced cross-entropy (Cui et al., CVPR 2019, arXiv 1901.05555, eq. 5).

    Neither embeddings x nor class weights W are normalised; n_j is the number of images of class j::

        z_j = W_j . x + b_j
        w_j = (1 - beta) / (1 - beta^n_j)
        loss = mean of w_y cross-entropy of z  y: the label

    Buffer ``class_counts`` (C,) holds n.

    Variants:

    * "ref": as above
    * "normalised_to_C": w scaled to sum to C, as the authors' release
    * "weighted_mean": divided by the sum of w_y over the batch instead of N

    Args:
        embedding_size: E.
        num_classes: C.
        class_counts: images of each class, 1 or more; None: 1 each.
        beta: beta, 0 to below 1.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "normalised_to_C", "weighted_mean")
    per_class = ("weight", "bias", "class_counts")
    class_counts: paddle.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, class_counts: Sequence[float] | None = None,
        beta: float = 0.999, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        counts = [1.0] * num_classes if class_counts is None else [float(count) for count in class_counts]
        if len(counts) != num_classes or min(counts) < 1:
            found = f"{len(counts)} entries, the lowest {min(counts)}"
            raise ValueError(f"class_counts has {found}; expected {num_classes} entries of 1 or more")
        self.beta = beta
        held = held_rows(num_classes)
        self.register_buffer("class_counts", paddle.to_tensor(counts[held.first : held.end], dtype="float64"))

    def weigh(self, losses: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None) -> paddle.Tensor:
        """Losses (N,) times the weights of their classes."""
        weights = class_balanced_weights(self.class_counts, self.beta)  # (C_local,)
        if self.variant == "normalised_to_C":
            total = weights.sum() if reduce is None else reduce(weights.sum(), "sum")
            weights = weights * self.num_classes / total
        own = self.owned(weights[target.clip(min=0)].astype(losses.dtype), target, reduce)
        return losses * (own / own.mean() if self.variant == "weighted_mean" else own)
