"""MagFace: a margin that grows with the length of the embedding."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, replace_target


def magface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margin: torch.Tensor, scale: float,
    variant: str = "ref",
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines and a margin for each sample (N,)."""
    if variant == "ref":
        keep, otherwise = target_cosine > 0, target_cosine
    else:
        keep = target_cosine > torch.cos(math.pi - margin)
        otherwise = target_cosine - margin * torch.sin(margin) if variant == "mm" else target_cosine
    return scale * replace_target(cosine, target, torch.where(keep, arc(target_cosine, margin), otherwise))


class MagFace(MarginHead):
    """Magnitude-aware angular margin (Meng et al., CVPR 2021, arXiv 2103.06627, eq. 2).

    The length of an embedding estimates image quality; the gradient flows through it. Embeddings and class weights are
    normalised for the angles::

        a = |x| clamped to l_a .. u_a
        m = l_m + (u_m - l_m) (a - l_a) / (u_a - l_a)
        z_y = s cos(theta_y + m)               y: the label; cos(theta_y) > 0
        z_y = s cos(theta_y)                   otherwise
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z + lambda_g mean of (a / u_a^2 + 1 / a)

    Variants, which differ in z_y only:

    * "ref": as above, "easy margin", as the authors' release
    * "mm": the margin for theta_y < pi - m, beyond it s (cos(theta_y) - m sin(m))
    * "facexzoo": the margin for theta_y < pi - m, beyond it s cos(theta_y)

    Args:
        embedding_size: E.
        num_classes: C.
        scale: s, above 0.
        lowest_norm: l_a, above 0.
        highest_norm: u_a, above l_a.
        lowest_margin: l_m in radians, 0 to pi/2.
        highest_margin: u_m in radians, 0 to pi/2.
        penalty_weight: lambda_g, 0 or more.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "mm", "facexzoo")

    def __init__(
        self, embedding_size: int, num_classes: int, *, scale: float = 64.0, lowest_norm: float = 10.0,
        highest_norm: float = 110.0, lowest_margin: float = 0.45, highest_margin: float = 0.80,
        penalty_weight: float = 35.0, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.scale = scale
        self.lowest_norm = lowest_norm
        self.highest_norm = highest_norm
        self.lowest_margin = lowest_margin
        self.highest_margin = highest_margin
        self.penalty_weight = penalty_weight

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        clamped = norm.clamp(self.lowest_norm, self.highest_norm) - self.lowest_norm
        slope = (self.highest_margin - self.lowest_margin) / (self.highest_norm - self.lowest_norm)
        margin = self.lowest_margin + slope * clamped  # (N,)
        return magface_logits(cosine, target, target_cosine, margin=margin, scale=self.scale, variant=self.variant)

    def penalty(self, norm: torch.Tensor) -> torch.Tensor:
        """λ_g (a / u_a² + 1 / a) of each sample, which pulls the length up."""
        clamped = norm.clamp(self.lowest_norm, self.highest_norm)
        return self.penalty_weight * (clamped / self.highest_norm**2 + 1 / clamped)
