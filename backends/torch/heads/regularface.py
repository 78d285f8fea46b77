"""RegularFace: class weights repelled from their nearest neighbour."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import is_target, unit


def nearest_others(rows: torch.Tensor, block: int = 1024) -> torch.Tensor:
    """Index (C,) of the row with the highest product, other than the row itself; a block of rows at a time."""
    found = []
    for first in range(0, len(rows), block):
        product = F.linear(rows[first : first + block], rows)
        own = torch.arange(first, first + len(product), device=rows.device)
        product = torch.where(is_target(product, own), torch.full_like(product, -2.0), product)
        found.append(product.argmax(dim=1))
    return torch.cat(found)


def regularface(weight: torch.Tensor) -> torch.Tensor:
    """The scalar loss of class weights (C, E); the gradient reaches both rows of each pair."""
    rows = unit(weight)
    return (rows * rows[nearest_others(rows.detach())]).sum(dim=1).mean()


class RegularFace(AuxiliaryHead):
    """Exclusive regularisation of class weights (Zhao et al., CVPR 2019, eq. 5).

    Used beside a classifier, on its class weights::

        loss = mean over j of max_{i != j} W_j . W_i          rows of W normalised

    The gradient reaches both weights of each pair.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: "ref".
    """

    def __init__(self, embedding_size: int, num_classes: int, *, variant: str = "ref") -> None:
        super().__init__(embedding_size, num_classes, variant=variant, weighted=True)

    def term(self, embeddings: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        assert weight is not None  # weighted=True
        return regularface(self.upcast(weight))
