"""ArcNegFace: ArcFace with negatives weighted by their similarity to the target."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc_monotone, replace_target


def arcnegface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margin: float, scale: float,
    alpha: float, sigma: float,
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; see ``MarginHead.columns``."""
    value = arc_monotone(target_cosine, margin)
    weight = alpha * torch.exp(-((cosine - value[:, None]) ** 2) / sigma).detach()  # τ (N, C_local)
    return scale * replace_target(weight * cosine + weight - 1, target, value)


class ArcNegFace(MarginHead):
    """ArcFace with weighted negatives (Liu et al., ICCVW 2019, arXiv 1909.00632, eq. 2 and 3).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        a = cos(theta_y + m)                   y: the label; theta_y < pi - m
        a = cos(theta_y) - m sin(m)            theta_y >= pi - m
        t_j = alpha exp(-(cos(theta_j) - a)^2 / sigma)      without gradient
        z_y = s a
        z_j = s (t_j cos(theta_j) + t_j - 1)   j != y
        loss = cross-entropy of z

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m in radians, 0 to pi/2.
        scale: s, above 0.
        alpha: height of the weight, above 0.
        sigma: width of the weight: divides the squared distance, above 0.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.5, scale: float = 64.0, alpha: float = 1.2,
        sigma: float = 2.0, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.alpha = alpha
        self.sigma = sigma

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return arcnegface_logits(
            cosine, target, target_cosine, margin=self.margin, scale=self.scale, alpha=self.alpha, sigma=self.sigma
        )
