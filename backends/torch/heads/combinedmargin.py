"""The combined margin: multiplied angle, added angle, subtracted cosine."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, arc, replace_target, safe_angle


def combinedmargin_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, *, m1: float, m2: float, m3: float,
    scale: float, variant: str = "ref",
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines; see ``MarginHead.columns``."""
    if variant == "insightface_torch_ignores_m2":
        value = target_cosine - m3
    elif variant == "insightface_torch_arc":
        value = target_cosine + (arc(target_cosine, m2) - target_cosine).detach()
    else:
        value = torch.cos(m1 * safe_angle(target_cosine) + m2) - m3
    return scale * replace_target(cosine, target, value)


class CombinedMargin(MarginHead):
    """Combined margin of SphereFace, ArcFace and CosFace (Deng et al., CVPR 2019, arXiv 1801.07698, eq. 4).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_y = s (cos(m1 theta_y + m2) - m3)    y: the label; no fallback beyond pi
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z

    Variants:

    * "ref": as above
    * "insightface_torch_arc": what InsightFace's PyTorch class computes for m1 = 1, m3 = 0: s cos(theta_y + m2) with
      the gradient of s cos(theta_y)
    * "insightface_torch_ignores_m2": what it computes for m3 > 0: s (cos(theta_y) - m3), whatever m1 and m2

    Args:
        embedding_size: E.
        num_classes: C.
        m1: factor of the angle, 0 to 8.
        m2: added to the angle in radians, 0 to pi/2.
        m3: subtracted from the cosine, 0 to 1.
        scale: s, above 0.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "insightface_torch_arc", "insightface_torch_ignores_m2")

    def __init__(
        self, embedding_size: int, num_classes: int, *, m1: float = 1.0, m2: float = 0.3, m3: float = 0.2,
        scale: float = 64.0, variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.m1 = m1
        self.m2 = m2
        self.m3 = m3
        self.scale = scale

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return combinedmargin_logits(
            cosine, target, target_cosine, m1=self.m1, m2=self.m2, m3=self.m3, scale=self.scale, variant=self.variant
        )
