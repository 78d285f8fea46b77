"""Sub-center ArcFace: several centers per class, of which the nearest one is used."""

from __future__ import annotations

import math

import torch
from torch import nn

from facezoo.backends.torch.heads.cosine import cosine_products
from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, arc_monotone, replace_target, unit
from facezoo.canonical.class_rows import held_rows


def subcenterarcface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margin: float, scale: float,
    variant: str = "ref",
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from the cosines of the nearest sub-centers."""
    value = arc(target_cosine, margin) if variant == "no_fallback" else arc_monotone(target_cosine, margin)
    return scale * replace_target(cosine, target, value)


class SubCenterArcFace(MarginHead):
    """ArcFace over K sub-centers per class, robust to label noise (Deng et al., ECCV 2020, eq. 3).

    ``weight`` has shape (C, K, E). A class has the cosine of its nearest sub-center, the only one that gets gradient::

        cos(theta_j) = max_k x . W_jk          x, W_jk normalised
        z_y = s cos(theta_y + m)               y: the label; theta_y < pi - m
        z_y = s (cos(theta_y) - m sin(m))      theta_y >= pi - m
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z

    Variants: "ref"; "no_fallback": s cos(theta_y + m) for every theta_y, as the authors' MXNet code.

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m in radians, 0 to pi/2.
        scale: s, above 0.
        centers: K, 1 or more.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "no_fallback")

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.5, scale: float = 64.0, centers: int = 3,
        variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.centers = centers
        bound = math.sqrt(6 / (num_classes + embedding_size))
        self.weight = nn.Parameter(
            torch.empty(held_rows(num_classes).count, centers, embedding_size).uniform_(-bound, bound)
        )

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return subcenterarcface_logits(
            cosine, target, target_cosine, margin=self.margin, scale=self.scale, variant=self.variant
        )

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosine of each embedding with the nearest sub-center of each class, (N, C_local)."""
        rows = self.upcast(self.weight).flatten(0, 1)  # (C K, E)
        every = cosine_products(unit(embeddings), rows).clamp(-1, 1)
        every = every.reshape([len(embeddings), -1, self.centers])
        best = every.detach().argmax(dim=2)[:, :, None]
        return torch.take_along_dim(every, best, dim=2)[:, :, 0]
