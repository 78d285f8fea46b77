"""AdaM-Softmax: a trained margin per class."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, replace_target
from facezoo.canonical.class_rows import held_rows


def adamsoftmax_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margins: torch.Tensor, scale: float
) -> torch.Tensor:
    """Logits (N, C_local) from cosines and this part's margins (C_local,)."""
    return scale * replace_target(cosine, target, target_cosine - margins[target.clamp(min=0)])


class AdaMSoftmax(MarginHead):
    """Adaptive margin softmax of AdaptiveFace (Liu et al., CVPR 2019, eq. 3 to 5).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_y = s (cos(theta_y) - m_y)           y: the label; m_y: trained margin of class y
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z + lambda (1 - mean of all m)

    Parameter ``margins`` (C,) starts uniform in 0.3 .. 0.4; a training call first clamps it to 0 .. 1 in place.

    Args:
        embedding_size: E.
        num_classes: C.
        scale: s, above 0.
        penalty_weight: lambda, 0 or more.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    per_class = ("weight", "margins")

    def __init__(
        self, embedding_size: int, num_classes: int, *, scale: float = 30.0, penalty_weight: float = 70.0,
        variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.scale = scale
        self.penalty_weight = penalty_weight
        self.margins = nn.Parameter(torch.empty(held_rows(num_classes).count))
        nn.init.uniform_(self.margins, 0.3, 0.4)

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        if self.training:
            with torch.no_grad():
                self.margins.copy_(self.margins.clamp(0, 1))
        return adamsoftmax_logits(cosine, target, target_cosine, margins=self.upcast(self.margins), scale=self.scale)

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns."""
        total = self.upcast(self.margins).sum()
        total = total if reduce is None else reduce(total, "sum")
        return super().loss(logits, target, norm, reduce) + self.penalty_weight * (1 - total / self.num_classes)
