"""NPCFace: the margin of the target depends on the hard negatives."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.margin import MarginHead, arc, is_target, replace_target


def npcface_logits(
    cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, *, margin: float, scale: float,
    m0: float, m1: float, tau: float, shift: float, reduce: Reduce | None = None,
) -> paddle.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; ``reduce`` sums the hard negatives over all parts."""
    hard = (cosine > arc(target_cosine, margin)[:, None]) & ~is_target(cosine, target)
    total = paddle.where(hard, cosine, paddle.zeros_like(cosine)).detach().sum(axis=1)
    count = hard.astype(cosine.dtype).sum(axis=1)
    if reduce is not None:
        total, count = reduce(total, "sum"), reduce(count, "sum")
    own = m0 + m1 * (total / count.clip(min=1)).detach()  # (N,)
    value = paddle.where(target_cosine > 0, arc(target_cosine, own), target_cosine)
    return scale * replace_target(paddle.where(hard, tau * cosine + shift, cosine), target, value)


class NPCFace(MarginHead):
    """Negative-positive collaborative margin (Zeng et al., arXiv 2007.10172, 2020, eq. 7 to 9).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        H = {j != y: cos(theta_j) > cos(theta_y + m)}        y: the label; the hard negatives
        m_y = m0 + m1 mean_H cos(theta_j)                    without gradient; m0 if H is empty
        z_y = s cos(theta_y + m_y)             cos(theta_y) > 0, otherwise s cos(theta_y)
        z_j = s (tau cos(theta_j) + a)         j in H
        z_j = s cos(theta_j)                   other j != y
        loss = cross-entropy of z

    Args:
        embedding_size: E.
        num_classes: C.
        margin: the margin in radians that decides what a hard negative is, 0 to pi/2.
        scale: s, above 0.
        m0: target margin without hard negatives, 0 to pi/2.
        m1: factor of the mean cosine of the hard negatives, 0 to 1.
        tau: slope of hard negatives, above 0.
        shift: a, added to hard negatives.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.5, scale: float = 64.0, m0: float = 0.40,
        m1: float = 0.20, tau: float = 1.1, shift: float = 0.2, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.m0 = m0
        self.m1 = m1
        self.tau = tau
        self.shift = shift

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        return npcface_logits(
            cosine, target, target_cosine, margin=self.margin, scale=self.scale, m0=self.m0, m1=self.m1, tau=self.tau,
            shift=self.shift, reduce=reduce,
        )  # fmt: skip
