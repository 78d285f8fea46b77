"""AdaFace: the margin depends on image quality."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, replace_target, safe_angle


def adaface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, quality: torch.Tensor, margin: float,
    scale: float, variant: str = "ref",
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines and each sample's quality (N,), -1 to 1."""
    if variant == "cvlface_straight_through":
        angle = safe_angle(target_cosine.detach()) - margin * quality
        value = torch.cos(angle) - (margin + margin * quality)
        return scale * replace_target(cosine, target, target_cosine + (value - target_cosine).detach())
    cosine, target_cosine = cosine.clamp(-1 + 1e-3, 1 - 1e-3), target_cosine.clamp(-1 + 1e-3, 1 - 1e-3)
    angle = (torch.acos(target_cosine) - margin * quality).clamp(1e-3, math.pi - 1e-3)
    return scale * replace_target(cosine, target, torch.cos(angle) - (margin + margin * quality))


class AdaFace(MarginHead):
    """Quality adaptive margin (Kim et al., CVPR 2022, arXiv 2204.00964, eq. 14 to 16).

    The length of an embedding measures image quality. Embeddings and class weights are normalised for the angles::

        a = |x| clamped to 1e-3 .. 100, without gradient
        k = h (a - mu) / sigma clamped to -1 .. 1
        z_y = s (cos(theta_y - m k) - (m + m k))     y: the label; the angle clamped to 1e-3 .. pi - 1e-3
        z_j = s cos(theta_j)                         j != y; all cosines clamped to +-(1 - 1e-3)
        loss = cross-entropy of z

    mu and sigma are running mean and standard deviation of a: buffers ``batch_mean`` and ``batch_std``. A training call
    updates them before using them; a batch of one sample leaves ``batch_std`` unchanged.

    Variants:

    * "ref": as the authors train, momentum 0.01
    * "ref_t_alpha_1": the same function, published with momentum 1: statistics of the current batch alone
    * "cvlface_straight_through": no clamps of angle and cosines, and the gradient of s cos(theta_y) for z_y

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m, 0 to 1.
        scale: s, above 0.
        h: scale of the normalised length, 0 to 1.
        momentum: weight of the batch in the statistics, 0 to 1.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "ref_t_alpha_1", "cvlface_straight_through")
    batch_mean: torch.Tensor
    batch_std: torch.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.4, scale: float = 64.0, h: float = 0.333,
        momentum: float = 0.01, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale
        self.h = h
        self.momentum = momentum
        self.register_buffer("batch_mean", torch.tensor(20.0, dtype=torch.float64))
        self.register_buffer("batch_std", torch.tensor(100.0, dtype=torch.float64))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        length = norm.detach().double().clamp(1e-3, 100)
        if self.training:
            with torch.no_grad():
                self.batch_mean.view(1).copy_(self.momentum * length.mean() + (1 - self.momentum) * self.batch_mean)
                if len(length) > 1:  # one sample has no standard deviation
                    variance = ((length - length.mean()) ** 2).sum() / (len(length) - 1)
                    self.batch_std.view(1).copy_(self.momentum * variance.sqrt() + (1 - self.momentum) * self.batch_std)
        quality = (self.h * (length - self.batch_mean) / (self.batch_std + 1e-3)).clamp(-1, 1)
        return adaface_logits(
            cosine, target, target_cosine, quality=quality.to(cosine.dtype), margin=self.margin, scale=self.scale,
            variant=self.variant,
        )  # fmt: skip
