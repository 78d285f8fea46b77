"""Circle loss: each similarity has its own weight."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.inputs import widen
from facezoo.backends.paddle.heads.margin import MarginHead, replace_target, unit

ABSENT = -1e9  # logit of a pair of the other kind


def circleloss_logits(
    cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, *, margin: float, scale: float
) -> paddle.Tensor:
    """Logits (N, C_local) from cosines; the weights, in brackets in the paper, carry no gradient."""
    pull = (1 + margin - target_cosine).clip(min=0).detach() * (target_cosine - 1 + margin)
    push = (cosine + margin).clip(min=0).detach() * (cosine - margin)
    return scale * replace_target(push, target, pull)


def circleloss_pairs(embeddings: paddle.Tensor, labels: paddle.Tensor, *, margin: float, scale: float) -> paddle.Tensor:
    """The scalar loss over all pairs of a batch; 0 where one kind of pair is missing."""
    rows = unit(embeddings)
    similarity = F.linear(rows, rows.T).clip(-1, 1)  # (N, N)
    pull = -scale * (1 + margin - similarity).clip(min=0).detach() * (similarity - 1 + margin)
    push = scale * (similarity + margin).clip(min=0).detach() * (similarity - margin)
    order = paddle.arange(len(labels))
    once = order[:, None] < order[None, :]
    same = labels[:, None] == labels[None, :]
    absent = paddle.full_like(similarity, ABSENT)
    negatives = paddle.where(once & ~same, push, absent).flatten().logsumexp(0)
    positives = paddle.where(once & same, pull, absent).flatten().logsumexp(0)
    return -F.log_sigmoid(-(negatives + positives))


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
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        return circleloss_logits(cosine, target, target_cosine, margin=self.margin, scale=self.scale)

    def logits(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        if self.variant == "pairwise":
            raise ValueError("the pairwise circle loss has no classes, and so no logits")
        return super().logits(embeddings, labels)

    def upcast(self, values: paddle.Tensor) -> paddle.Tensor:
        """Half precision to float32; wider types as the weight's, or as they are where there is none."""
        if self.variant == "pairwise" and values.dtype == paddle.float64:
            return values
        return widen(values, "float32") if self.variant == "pairwise" else super().upcast(values)

    def _loss(self, embeddings: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None) -> paddle.Tensor:
        if self.variant == "pairwise":
            return circleloss_pairs(embeddings, target, margin=self.margin, scale=self.scale)
        return super()._loss(embeddings, target, reduce)
