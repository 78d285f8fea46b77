"""Intra-class angle: the mean angle between embeddings and their class weights."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import safe_angle, unit


def intra_class_angle(embeddings: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Angle of each embedding with the weight of its class, (N,)."""
    cosine = (unit(embeddings) * unit(weight[labels])).sum(dim=1).clamp(-1, 1)
    return safe_angle(cosine)


class IntraClassAngle(AuxiliaryHead):
    """Mean angle of embeddings to their class weights (Deng et al., CVPR 2019, arXiv 1801.07698, eq. 5).

    Used beside a classifier, on its class weights::

        loss = mean of arccos(x . W_y)         x, W_y normalised; y: the label

    The gradient is 0 at angles 0 and pi, where its direction is undefined.

    Variants: "ref": in radians; "arcface_paper": divided by pi, as in the paper's ablation.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of those above.
    """

    variants = ("ref", "arcface_paper")

    def __init__(self, embedding_size: int, num_classes: int, *, variant: str = "ref") -> None:
        super().__init__(embedding_size, num_classes, variant=variant, weighted=True)

    def term(self, embeddings: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        assert weight is not None  # weighted=True
        angle = intra_class_angle(embeddings, self.upcast(weight).to(embeddings.dtype), labels).mean()
        return angle / math.pi if self.variant == "arcface_paper" else angle
