"""Triplet loss over the batch: hardest or semi-hard pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import unit

VARIANTS = {"batch_hard": ("ref", "mean_nonzero"), "semi_hard": ("ref", "nearest_outside", "all_semihard")}


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of the values under the mask; 0 where there are none."""
    kept = torch.where(mask, values, torch.zeros_like(values))
    return kept.sum() / mask.to(values.dtype).sum().clamp(min=1)


def batch_hard(
    distance: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, margin: float, nonzero: bool
) -> torch.Tensor:
    """Loss of each anchor's farthest positive and nearest negative; masks and distances are (N, N)."""
    farthest = torch.where(positive, distance, torch.full_like(distance, -1.0)).detach().argmax(dim=1)
    nearest = torch.where(negative, distance, torch.full_like(distance, 9.0)).detach().argmin(dim=1)
    row = torch.arange(len(distance), device=distance.device)
    losses = (distance[row, farthest] - distance[row, nearest] + margin).clamp(min=0)
    valid = positive.any(dim=1) & negative.any(dim=1)
    return masked_mean(losses, valid & (losses > 0) if nonzero else valid)


def semi_hard(distance: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, margin: float) -> torch.Tensor:
    """Loss of each positive pair with the nearest negative beyond it, else the farthest negative."""
    fixed = distance.detach()
    outside = torch.where(negative, fixed, torch.full_like(fixed, 9.0))  # beyond all: squared distances end at 4
    order = torch.argsort(outside, dim=1)
    place = torch.searchsorted(torch.take_along_dim(outside, order, dim=1), fixed.contiguous(), right=True)
    count = negative.to(place.dtype).sum(dim=1)[:, None]
    chosen = torch.take_along_dim(order, torch.minimum(place, (count - 1).clamp(min=0)), dim=1)
    losses = (distance - torch.take_along_dim(distance, chosen, dim=1) + margin).clamp(min=0)
    return masked_mean(losses, positive & (count > 0))


def all_semi_hard(
    distance: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, margin: float
) -> torch.Tensor:
    """Mean loss of all triplets whose negative lies beyond the positive by less than the margin."""
    gap = distance[:, None, :] - distance[:, :, None]  # (anchor, positive, negative)
    mask = positive[:, :, None] & negative[:, None, :] & (gap > 0) & (gap < margin)
    return masked_mean(margin - gap, mask)


class Triplet(AuxiliaryHead):
    """Triplet loss (Schroff et al., CVPR 2015, arXiv 1503.03832; Hermans et al., 2017, arXiv 1703.07737).

    Embeddings are normalised; D is their squared Euclidean distance::

        loss = mean of max(0, D(anchor, positive) - D(anchor, negative) + margin)

    Mining and variants, which choose the triplets and what the mean is over:

    * mining "batch_hard", "ref": farthest positive and nearest negative of each anchor; mean over the anchors that have
      both
    * mining "batch_hard", "mean_nonzero": the same; mean over the anchors with a loss above 0
    * mining "semi_hard", "ref" or "nearest_outside": for each ordered positive pair the nearest negative that is
      farther than the positive, or else the farthest negative; mean over all ordered positive pairs
    * mining "semi_hard", "all_semihard": all triplets whose negative is farther than the positive by less than the
      margin; mean over them; takes memory for N^3 values

    A batch without a valid triplet gives 0.

    Args:
        embedding_size: E.
        num_classes: C.
        mining: "batch_hard" or "semi_hard".
        margin: 0 to 4; None: 0.3 for batch_hard, 0.2 for semi_hard.
        variant: one of those above.
    """

    variants = ("ref", "mean_nonzero", "nearest_outside", "all_semihard")

    def __init__(
        self, embedding_size: int, num_classes: int, *, mining: str = "batch_hard", margin: float | None = None,
        variant: str = "ref",
    ) -> None:  # fmt: skip
        super().__init__(embedding_size, num_classes, variant=variant)
        self.mining = mining
        if variant not in VARIANTS.get(mining, ()):
            raise ValueError(f"Triplet has no mining {mining!r} with variant {variant!r}; known: {VARIANTS}")
        self.margin = (0.3 if mining == "batch_hard" else 0.2) if margin is None else margin

    def term(self, embeddings: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        rows = unit(embeddings)
        distance = 2 - 2 * F.linear(rows, rows)  # squared
        same = labels[:, None] == labels[None, :]
        order = torch.arange(len(labels), device=labels.device)
        positive, negative = same & (order[:, None] != order[None, :]), ~same
        if self.mining == "batch_hard":
            return batch_hard(distance, positive, negative, self.margin, self.variant == "mean_nonzero")
        mine = all_semi_hard if self.variant == "all_semihard" else semi_hard
        return mine(distance, positive, negative, self.margin)
