"""UniformFace: class centers repelled from each other."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

from facezoo.backends.paddle.heads.auxiliary import AuxiliaryHead
from facezoo.backends.paddle.heads.margin import unit


def uniformface(centers: paddle.Tensor) -> paddle.Tensor:
    """The scalar loss of centers (C, E)."""
    squares = (centers * centers).sum(axis=1)
    scale = squares[:, None] + squares[None, :]
    squared = scale - 2 * F.linear(centers, centers.T)  # (C, C)
    apart = squared > 16 * paddle.finfo(centers.dtype).eps * scale
    distance = paddle.sqrt(paddle.where(apart, squared, paddle.ones_like(squared)))
    repulsion = 1 / (paddle.where(apart, distance, paddle.zeros_like(distance)) + 1)
    order = paddle.arange(len(centers))
    other = order[:, None] != order[None, :]
    count = max(len(centers) * (len(centers) - 1), 1)
    return paddle.where(other, repulsion, paddle.zeros_like(repulsion)).sum() / count


class UniformFace(AuxiliaryHead):
    """Uniform loss: repulsion of all pairs of class weights (Duan et al., CVPR 2019, eq. 6).

    Used beside a classifier, on its class weights; takes memory for C^2 values::

        loss = mean over i != j of 1 / (|W_i - W_j| + 1)

    Identical weights give 1 with gradient 0.

    Variants: "ref": the weights as they are; "normalised": the normalised weights.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of those above.
    """

    variants = ("ref", "normalised")

    def __init__(self, embedding_size: int, num_classes: int, *, variant: str = "ref") -> None:
        super().__init__(embedding_size, num_classes, variant=variant, weighted=True)

    def term(self, embeddings: paddle.Tensor, labels: paddle.Tensor, weight: paddle.Tensor | None) -> paddle.Tensor:
        assert weight is not None  # weighted=True
        centers = self.upcast(weight)
        return uniformface(unit(centers) if self.variant == "normalised" else centers)
