"""CurricularFace: hard negatives get higher weights during training."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, arc_monotone, replace_target


def curricularface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, t: torch.Tensor, margin: float,
    scale: float,
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; a negative is hard above cos(θ_y + m)."""
    hard = cosine > arc(target_cosine, margin)[:, None]
    negatives = torch.where(hard, cosine * (t + cosine), cosine)
    return scale * replace_target(negatives, target, arc_monotone(target_cosine, margin))


class CurricularFace(MarginHead):
    """ArcFace with a curriculum over hard negatives (Huang et al., CVPR 2020, arXiv 2004.00288, eq. 5 to 8).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_y = s cos(theta_y + m)               y: the label; theta_y < pi - m
        z_y = s (cos(theta_y) - m sin(m))      theta_y >= pi - m
        z_j = s c (t + c)                      c = cos(theta_j) > cos(theta_y + m): a hard negative
        z_j = s c                              otherwise
        t <- momentum mean cos(theta_y) + (1 - momentum) t     in training, without gradient
        loss = cross-entropy of z

    Buffer ``t`` is a scalar.

    Variants:

    * "ref": a training call updates t before using it
    * "update_after_use": it updates t after using it, the order of the paper's algorithm
    * "ref_t0_0.3": "ref", published with t = 0.3 at the start

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m in radians, 0 to pi/2.
        scale: s, above 0.
        momentum: weight of the new mean in t, 0 to 1.
        initial_t: t at the start, -1 to 1.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "update_after_use", "ref_t0_0.3")
    t: torch.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.5, scale: float = 64.0,
        momentum: float = 0.01, initial_t: float = 0.0, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.momentum = momentum
        self.initial_t = initial_t
        self.register_buffer("t", torch.tensor(float(initial_t), dtype=torch.float64))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        before = self.t.clone()
        if self.training:
            with torch.no_grad():
                self.t.view(1).copy_(self.momentum * target_cosine.double().mean() + (1 - self.momentum) * self.t)
        t = before if self.variant == "update_after_use" else self.t.clone()
        return curricularface_logits(
            cosine, target, target_cosine, t=t.to(cosine.dtype), margin=self.margin, scale=self.scale
        )
