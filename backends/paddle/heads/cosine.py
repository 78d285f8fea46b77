"""Cosines of embeddings with class weights, without a normalised copy of the weights."""

from __future__ import annotations

from typing import Any

import paddle
import paddle.nn.functional as F

BLOCK = 16_384  # classes whose gradient is computed at a time


def cosine_products(rows: paddle.Tensor, weight: paddle.Tensor) -> paddle.Tensor:
    """Cosine of each row with each class, (N, C), not clamped.

    The products are divided by the lengths of the class weights, so forward and backward pass take no memory of the
    size of the weights beside their gradient.

    Args:
        rows: (N, E), of length 1.
        weight: (C, E).
    """
    if not paddle.in_dynamic_mode():  # a static graph follows plain operations only
        return F.linear(rows, (weight / _lengths(weight)[:, None]).T)
    return _Cosines.apply(rows, weight)


def _lengths(weight: paddle.Tensor) -> paddle.Tensor:
    return paddle.linalg.vector_norm(weight, axis=1).clip(min=1e-12)


class _Cosines(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx: Any, rows: paddle.Tensor, weight: paddle.Tensor) -> paddle.Tensor:
        cosine = paddle.matmul(rows, weight, transpose_y=True).divide_(_lengths(weight))
        ctx.save_for_backward(rows, weight, cosine)
        return cosine

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        rows, weight, cosine = ctx.saved_tensor()
        if len(weight) <= BLOCK:
            return _block(rows, weight, cosine, gradient)
        by_rows, by_weight = paddle.zeros_like(rows), paddle.empty(weight.shape, weight.dtype)
        for start in range(0, len(weight), BLOCK):
            some = slice(start, start + BLOCK)
            part, by_weight[some] = _block(rows, weight[some], cosine[:, some], gradient[:, some])
            by_rows = by_rows + part
        return by_rows, by_weight


def _block(
    rows: paddle.Tensor, weight: paddle.Tensor, cosine: paddle.Tensor, gradient: paddle.Tensor
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """The gradients from some of the classes, and of these."""
    lengths = _lengths(weight)
    gradient = gradient / lengths
    along = (gradient * cosine).sum(axis=0) / lengths  # (C,), the part that only changes the length
    return paddle.matmul(gradient, weight), paddle.matmul(gradient, rows, transpose_x=True) - weight * along[:, None]
