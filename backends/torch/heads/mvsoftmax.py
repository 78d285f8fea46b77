"""MV-Softmax: mis-classified vectors get higher weights."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, replace_target


def mvsoftmax_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, kind: str, margin: float, scale: float,
    weight_of_hard: float, threshold: float,
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; targets up to ``threshold`` get no margin."""
    value = target_cosine - margin if kind == "am" else arc(target_cosine, margin)
    hard = cosine > value[:, None]
    negatives = torch.where(hard, weight_of_hard * cosine + weight_of_hard - 1, cosine)
    return scale * replace_target(negatives, target, torch.where(target_cosine > threshold, value, target_cosine))


class MVSoftmax(MarginHead):
    """Mis-classified vector guided softmax (Wang et al., AAAI 2020, arXiv 1912.00833, eq. 8 to 10).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        f = cos(theta_y) - m                   kind "am"; y: the label
        f = cos(theta_y + m)                   kind "arc"
        z_y = s f                              cos(theta_y) above a threshold, otherwise s cos(theta_y)
        z_j = s (w cos(theta_j) + w - 1)       cos(theta_j) > f: a mis-classified vector
        z_j = s cos(theta_j)                   otherwise
        loss = cross-entropy of z

    Variants: "ref": the threshold is m for kind "am", 0 for kind "arc"; "author_repo": 0 for both kinds, published with
    w = 1.2.

    Args:
        embedding_size: E.
        num_classes: C.
        kind: "am" (margin subtracted from the cosine) or "arc" (margin added to the angle).
        margin: m, 0 to 1.
        scale: s, above 0.
        weight_of_hard: w = 1 + t of the paper, 1 or more.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "author_repo")

    def __init__(
        self, embedding_size: int, num_classes: int, *, kind: str = "am", margin: float = 0.35, scale: float = 32.0,
        weight_of_hard: float = 1.12, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.kind = kind
        self.margin = margin
        self.scale = scale
        self.weight_of_hard = weight_of_hard
        if kind not in ("am", "arc"):
            raise ValueError(f"MVSoftmax has no kind {kind!r}; known: am, arc")
        self.threshold = margin if kind == "am" and variant == "ref" else 0.0

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return mvsoftmax_logits(
            cosine, target, target_cosine, kind=self.kind, margin=self.margin, scale=self.scale,
            weight_of_hard=self.weight_of_hard, threshold=self.threshold,
        )  # fmt: skip
