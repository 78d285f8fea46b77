"""ArcFace: a margin added to the target angle."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, arc_monotone, replace_target


def arcface_target(target_cosine: torch.Tensor, *, margin: float, variant: str = "ref") -> torch.Tensor:
    """The target's value before scaling, (N,): cos(θ + m) and, depending on the variant, another form past π - m."""
    if variant == "ref":
        return arc_monotone(target_cosine, margin)
    if variant == "adaface_repo_clip":
        angle = torch.acos(target_cosine) + margin  # the caller has clamped the cosine off the poles
        return torch.cos(angle.clamp(1e-4, math.pi - 1e-4))
    value = arc(target_cosine, margin)
    if variant == "insightface":
        return value
    if variant == "insightface_straight_through":
        return target_cosine + (value - target_cosine).detach()
    keep = target_cosine > (0.0 if variant == "easy_margin" else math.cos(math.pi - margin))
    return torch.where(keep, value, target_cosine)


def arcface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, margin: float, scale: float,
    variant: str = "ref",
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) of ArcFace from cosines; see ``MarginHead.columns``."""
    if variant == "adaface_repo_clip":
        cosine, target_cosine = cosine.clamp(-1 + 1e-4, 1 - 1e-4), target_cosine.clamp(-1 + 1e-4, 1 - 1e-4)
    value = arcface_target(target_cosine, margin=margin, variant=variant)
    return scale * replace_target(cosine, target, value)


class ArcFace(MarginHead):
    """Additive angular margin loss (Deng et al., CVPR 2019, arXiv 1801.07698, eq. 3).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_y = s cos(theta_y + m)               y: the label; theta_y < pi - m
        z_y = s (cos(theta_y) - m sin(m))      theta_y >= pi - m, where cos(theta_y + m) would rise again
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z

    Variants, which differ in z_y only:

    * "ref": as above (face.evoLVe and most others)
    * "insightface": s cos(theta_y + m) for every theta_y
    * "insightface_straight_through": the values of "insightface" with the gradient of s cos(theta_y), as InsightFace's
      released PyTorch code back-propagates
    * "easy_margin": the margin where cos(theta_y) > 0 only, otherwise s cos(theta_y)
    * "facexzoo": s cos(theta_y) for theta_y >= pi - m; published with s = 32, m = 0.35
    * "adaface_repo_clip": all cosines clamped to +-(1 - 1e-4), theta_y + m clamped to 1e-4 .. pi - 1e-4

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m in radians, 0 to pi/2.
        scale: s, above 0.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "insightface", "insightface_straight_through", "easy_margin", "facexzoo", "adaface_repo_clip")

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.5, scale: float = 64.0, variant: str = "ref",
        criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return arcface_logits(cosine, target, target_cosine, margin=self.margin, scale=self.scale, variant=self.variant)
