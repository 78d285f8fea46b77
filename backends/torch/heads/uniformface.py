"""UniformFace: class centers repelled from each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import unit


def uniformface(centers: torch.Tensor) -> torch.Tensor:
    """The scalar loss of centers (C, E)."""
    squares = (centers * centers).sum(dim=1)
    scale = squares[:, None] + squares[None, :]
    squared = scale - 2 * F.linear(centers, centers)  # (C, C)
    apart = squared > 16 * torch.finfo(centers.dtype).eps * scale
    distance = torch.sqrt(torch.where(apart, squared, torch.ones_like(squared)))
    repulsion = 1 / (torch.where(apart, distance, torch.zeros_like(distance)) + 1)
    order = torch.arange(len(centers), device=centers.device)
    other = order[:, None] != order[None, :]
    count = max(len(centers) * (len(centers) - 1), 1)
    return torch.where(other, repulsion, torch.zeros_like(repulsion)).sum() / count


class UniformFace(AuxiliaryHead):
    """Uniform loss: repulsion of all pairs of class weights (Duan et al., CVPR 2019, eq. 6).

    Used beside a classifier, on its class weights; takes memory for C^2 values::

        loss = mean over i != j of 1 / (|W_i - W_j| + 1)

    Identical weights give 1 with gradient 0.

    Variants: "ref": the weights as they are; "normalised": the normalised weights.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of those above.
    """

    variants = ("ref", "normalised")

    def __init__(self, embedding_size: int, num_classes: int, *, variant: str = "ref") -> None:
        super().__init__(embedding_size, num_classes, variant=variant, weighted=True)

    def term(self, embeddings: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        assert weight is not None  # weighted=True
        centers = self.upcast(weight)
        return uniformface(unit(centers) if self.variant == "normalised" else centers)
