"""Circle loss: each similarity has its own weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.inputs import widen
from facezoo.backends.torch.heads.margin import MarginHead, replace_target, unit

ABSENT = -1e9  # logit of a pair of the other kind


def circleloss_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margin: float, scale: float
) -> torch.Tensor:
    """Logits (N, C_local) from cosines; the weights, in brackets in the paper, carry no gradient."""
    pull = (1 + margin - target_cosine).clamp(min=0).detach() * (target_cosine - 1 + margin)
    push = (cosine + margin).clamp(min=0).detach() * (cosine - margin)
    return scale * replace_target(push, target, pull)


def circleloss_pairs(embeddings: torch.Tensor, labels: torch.Tensor, *, margin: float, scale: float) -> torch.Tensor:
    """The scalar loss over all pairs of a batch; 0 where one kind of pair is missing."""
    rows = unit(embeddings)
    similarity = F.linear(rows, rows).clamp(-1, 1)  # (N, N)
    pull = -scale * (1 + margin - similarity).clamp(min=0).detach() * (similarity - 1 + margin)
    push = scale * (similarity + margin).clamp(min=0).detach() * (similarity - margin)
    order = torch.arange(len(labels), device=labels.device)
    once = order[:, None] < order[None, :]
    same = labels[:, None] == labels[None, :]
    absent = torch.full_like(similarity, ABSENT)
    negatives = torch.where(once & ~same, push, absent).flatten().logsumexp(0)
    positives = torch.where(once & same, pull, absent).flatten().logsumexp(0)
    return -F.logsigmoid(-(negatives + positives))


class CircleLoss(MarginHead):
    """Circle loss over classes, or over the pairs of a batch (Sun et al., CVPR 2020, arXiv 2002.10857, eq. 6 to 8).

    c_j is the cosine of the embedding and the weight of class j; [.] is max(0, .) and carries no gradient::

        z_y = gamma [1 + m - c_y] (c_y - 1 + m)              y: the label
        z_j = gamma [c_j + m] (c_j - m)                      j != y
        loss = cross-entropy of z

    Variants:

    * "ref": as above
    * "pairwise": no class weights and no logits. c is the cosine of each pair of the batch, z_p and z_n are z_y and z_j
      for pairs of the same and of different classes: loss = softplus(logsumexp(z_n) + logsumexp(-z_p))

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m, 0 to 1.
        scale: gamma, above 0.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "pairwise")

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.25, scale: float = 256.0,
        variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        if variant == "pairwise":
            for name in self.per_class:
                setattr(self, name, None)  # no class weights

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return circleloss_logits(cosine, target, target_cosine, margin=self.margin, scale=self.scale)

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.variant == "pairwise":
            raise ValueError("the pairwise circle loss has no classes, and so no logits")
        return super().logits(embeddings, labels)

    def upcast(self, values: torch.Tensor) -> torch.Tensor:
        """Half precision to float32; wider types as the weight's, or as they are where there is none."""
        if self.variant == "pairwise" and values.dtype == torch.float64:
            return values
        return widen(values, torch.float32) if self.variant == "pairwise" else super().upcast(values)

    def _loss(self, embeddings: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None) -> torch.Tensor:
        if self.variant == "pairwise":
            return circleloss_pairs(embeddings, target, margin=self.margin, scale=self.scale)
        return super()._loss(embeddings, target, reduce)
