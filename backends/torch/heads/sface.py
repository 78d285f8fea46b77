"""SFace: sigmoid-weighted pull and push, without softmax."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, is_target


def sface_losses(
    logits: torch.Tensor, target: torch.Tensor, *, scale: float, k: float, a: float, b: float
) -> torch.Tensor:
    """Share of this part's columns in each sample's loss, (N,)."""
    angle = torch.acos((logits / scale).detach().clamp(-1, 1))
    pull = -torch.sigmoid(k * (angle - a)) * logits
    push = torch.sigmoid(k * (b - angle)) * logits
    return torch.where(is_target(logits, target), pull, push).sum(dim=1)


class SFace(MarginHead):
    """Sigmoid-constrained hypersphere loss (Zhong et al., IEEE TIP 2021, arXiv 2205.12010, eq. 8 to 12).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        r_y = sigmoid(k (theta_y - a))         y: the label; without gradient
        r_j = sigmoid(k (b - theta_j))         j != y; without gradient
        loss = mean of (-r_y s cos(theta_y) + sum_{j != y} r_j s cos(theta_j))

    There is no softmax, and the loss may be negative.

    Args:
        embedding_size: E.
        num_classes: C.
        scale: s, above 0.
        k: steepness of the sigmoids, above 0.
        a: target angle below which there is no pull, 0 to pi.
        b: angle above which there is no push, 0 to pi.
        variant: "ref".
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, scale: float = 64.0, k: float = 80.0, a: float = 0.80,
        b: float = 1.23, variant: str = "ref",
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant,
        )  # fmt: skip
        self.scale = scale
        self.k = k
        self.a = a
        self.b = b

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return self.scale * cosine

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns."""
        losses = sface_losses(logits, target, scale=self.scale, k=self.k, a=self.a, b=self.b)
        losses = losses if reduce is None else reduce(losses, "sum")
        return self.weigh(losses, target, reduce).mean()
