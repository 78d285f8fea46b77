"""SV-Softmax: support vectors get higher weights."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, replace_target


def svsoftmax_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, kind: str, margin: float, scale: float,
    weight_of_hard: float,
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; a negative above the target's value is a support vector."""
    value = target_cosine
    if kind != "plain":
        value = target_cosine - margin if kind == "am" else arc(target_cosine, margin)
    hard = cosine > value[:, None]
    negatives = torch.where(hard, weight_of_hard * cosine + weight_of_hard - 1, cosine)
    return scale * replace_target(negatives, target, value)


class SVSoftmax(MarginHead):
    """Support vector guided softmax (Wang et al., arXiv 1812.11317, 2018, eq. 4 to 8).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        f = cos(theta_y)                       kind "plain"; y: the label
        f = cos(theta_y) - m                   kind "am"
        f = cos(theta_y + m)                   kind "arc"
        z_y = s f
        z_j = s (t cos(theta_j) + t - 1)       cos(theta_j) > f: a support vector
        z_j = s cos(theta_j)                   otherwise
        loss = cross-entropy of z

    Args:
        embedding_size: E.
        num_classes: C.
        kind: "plain" (no margin), "am" (margin subtracted from the cosine) or "arc" (margin added to the angle).
        margin: m, 0 to 1; without effect for the plain kind.
        scale: s, above 0.
        weight_of_hard: t of the paper, 1 or more.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, kind: str = "plain", margin: float = 0.35, scale: float = 32.0,
        weight_of_hard: float = 1.2, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
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
        if kind not in ("plain", "am", "arc"):
            raise ValueError(f"SVSoftmax has no kind {kind!r}; known: plain, am, arc")

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return svsoftmax_logits(
            cosine, target, target_cosine, kind=self.kind, margin=self.margin, scale=self.scale,
            weight_of_hard=self.weight_of_hard,
        )  # fmt: skip
