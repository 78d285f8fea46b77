"""Cosines of embeddings with class weights, without a normalised copy of the weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

BLOCK = 16_384  # classes whose gradient is computed at a time


def cosine_products(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cosine of each row with each class, (N, C), not clamped.

    The products are divided by the lengths of the class weights, so forward and backward pass take no memory of the
    size of the weights beside their gradient.

    Args:
        rows: (N, E), of length 1.
        weight: (C, E).
    """
    if torch.compiler.is_compiling() or _transformed(rows) or _transformed(weight):
        return F.linear(rows, F.normalize(weight))  # compilers and transforms follow plain operations
    return _Cosines.apply(rows, weight)


def _transformed(values: torch.Tensor) -> bool:
    """Whether a transform of torch.func follows the tensor."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(values))


def _lengths(weight: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(weight, dim=1).clamp(min=1e-12)


class _Cosines(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        cosine = F.linear(rows, weight).div_(_lengths(weight))
        ctx.save_for_backward(rows, weight, cosine)
        return cosine

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows, weight, cosine = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is wanted
            return _block(rows, weight, cosine, gradient)
        by_rows, by_weight = torch.zeros_like(rows), torch.empty_like(weight)
        for start in range(0, len(weight), BLOCK):
            some = slice(start, start + BLOCK)
            part, by_weight[some] = _block(rows, weight[some], cosine[:, some], gradient[:, some])
            by_rows += part
        return by_rows, by_weight


def _block(
    rows: torch.Tensor, weight: torch.Tensor, cosine: torch.Tensor, gradient: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients from some of the classes, and of these."""
    lengths = _lengths(weight)
    gradient = gradient / lengths
    along = (gradient * cosine).sum(dim=0) / lengths  # (C,), the part that only changes the length
    return gradient @ weight, (gradient.T @ rows).addcmul_(weight, along[:, None], value=-1)
