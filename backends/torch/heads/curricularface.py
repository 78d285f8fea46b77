"""CurricularFace: hard negatives gain weight as training goes on."""

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
    """ArcFace with a curriculum over hard negatives (Huang et al., CVPR 2020).

    Buffer ``t`` follows the mean target cosine; a training call moves it before using it, or after
    ("update_after_use", the order of the paper's algorithm).

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m in radians, 0 to π/2.
        scale: s, above 0.
        momentum: weight of the new mean in t, 0 to 1.
        initial_t: t at the start, -1 to 1.
        variant: "ref", "update_after_use" or "ref_t0_0.3".
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
                self.t.copy_(self.momentum * target_cosine.double().mean() + (1 - self.momentum) * self.t)
        t = before if self.variant == "update_after_use" else self.t.clone()
        return curricularface_logits(
            cosine, target, target_cosine, t=t.to(cosine.dtype), margin=self.margin, scale=self.scale
        )
