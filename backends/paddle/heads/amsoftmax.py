"""AM-Softmax: CosFace's function with another default scale."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.margin import MarginHead, replace_target


def amsoftmax_logits(
    cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, *, margin: float, scale: float
) -> paddle.Tensor:
    """Logits (N, C_local) from cosines; see ``MarginHead.columns``."""
    return scale * replace_target(cosine, target, target_cosine - margin)


class AMSoftmax(MarginHead):
    """Additive margin softmax (Wang et al., IEEE SPL 2018, arXiv 1801.05599, eq. 5).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        z_y = s (cos(theta_y) - m)             y: the label
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z

    Variants: "ref"; "facexzoo" is the same function, published with s = 32.

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m, 0 to 1.
        scale: s, above 0.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "facexzoo")

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: float = 0.35, scale: float = 30.0,
        variant: str = "ref", criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.scale = scale

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        return amsoftmax_logits(cosine, target, target_cosine, margin=self.margin, scale=self.scale)
