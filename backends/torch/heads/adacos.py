"""AdaCos: cosines without margin and an adaptive scale."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, is_target


def adacos_scale(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, scale: torch.Tensor,
    reduce: Reduce | None = None,
) -> torch.Tensor:  # fmt: skip
    """The next scale, from this batch under the present one: ln(mean Σ exp(s cos θ_j)) / cos(min(π/4, median θ_y))."""
    shifted = torch.exp(scale * (cosine - 1))  # at most 1
    total = torch.where(is_target(cosine, target), torch.zeros_like(shifted), shifted).sum(dim=1)
    total = total if reduce is None else reduce(total, "sum")
    angles = torch.sort(torch.acos(target_cosine.clamp(-1 + 1e-7, 1 - 1e-7)))[0]
    median = angles[(len(angles) - 1) // 2]  # the lower one
    scale = (torch.log(total.mean()) + scale) / torch.cos(median.clamp(max=math.pi / 4))
    return scale.clamp(min=1e-3)  # with few, distant classes the logarithm may be negative


class AdaCos(MarginHead):
    """Adaptively scaled cosine logits (Zhang et al., CVPR 2019, arXiv 1905.00292, eq. 15); three classes or more.

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_j = s cos(theta_j)                   every j; there is no margin
        s <- ln(B) / cos(min(pi / 4, median of theta_y))     y: the label
        B = mean over the batch of sum_{j != y} exp(s cos(theta_j))
        loss = cross-entropy of z

    Buffer ``s`` starts at sqrt(2) ln(C - 1). The median of an even batch is the lower one.

    Variants: "ref": a training call updates s before using it; "fixed": s stays at its start.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "fixed")
    s: torch.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        if num_classes < 3:
            raise ValueError(f"AdaCos got {num_classes} classes; expected 3 or more")
        self.register_buffer("s", torch.tensor(math.sqrt(2) * math.log(num_classes - 1), dtype=torch.float64))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        if self.training and self.variant == "ref":
            with torch.no_grad():
                wide = cosine.double(), target, target_cosine.double()
                self.s.view(1).copy_(adacos_scale(*wide, self.s, reduce))
        return self.s.clone().to(cosine.dtype) * cosine
