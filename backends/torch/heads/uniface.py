"""UniFace: one bias separates all positive from all negative pairs."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, is_target, replace_target


def uniface_losses(logits: torch.Tensor, target: torch.Tensor, *, scale: float, negative_weight: float) -> torch.Tensor:
    """Share of this part's columns in each sample's loss, (N,)."""
    clamped = logits.clamp(-scale, scale)
    negatives = -negative_weight * F.logsigmoid(-clamped)
    return torch.where(is_target(logits, target), -F.logsigmoid(clamped), negatives).sum(dim=1)


class UniFace(MarginHead):
    """Unified cross-entropy, the simple form (Zhou et al., ICCV 2023, eq. 9).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        u_y = s (cos(theta_y) - m) - b         y: the label
        u_j = s cos(theta_j) - b               j != y; u clamped to -s .. s for the loss
        loss = mean of (softplus(-u_y) + l sum_{j != y} softplus(u_j))

    Parameter ``bias`` is b, one number for all classes; it starts at ln(10 C r). There is no softmax.

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m, 0 to 1.
        scale: s, above 0.
        negative_weight: l, above 0.
        sampling_rate: r, share of the classes used per batch, above 0 to 1.
        variant: "ref".
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.4, scale: float = 64.0,
        negative_weight: float = 1.0, sampling_rate: float = 1.0, variant: str = "ref",
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.negative_weight = negative_weight
        self.sampling_rate = sampling_rate
        start = math.log(num_classes * sampling_rate * 10)
        self.bias = nn.Parameter(torch.tensor(start))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return self.scale * replace_target(cosine, target, target_cosine - self.margin) - self.upcast(self.bias)

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns."""
        losses = uniface_losses(logits, target, scale=self.scale, negative_weight=self.negative_weight)
        losses = losses if reduce is None else reduce(losses, "sum")
        return self.weigh(losses, target, reduce).mean()
