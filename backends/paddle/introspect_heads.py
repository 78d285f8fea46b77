"""What the conformance suite runs on a loss head: one call, or one call of a part, with NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle import state
from facezoo.backends.paddle.heads.auxiliary import AuxiliaryHead
from facezoo.backends.paddle.heads.margin import MarginHead


def widen(head: nn.Layer) -> nn.Layer:
    """The same head in float64."""
    return head.to(dtype="float64")


def call(
    head: MarginHead | AuxiliaryHead,
    embeddings: np.ndarray,
    labels: np.ndarray,
    *,
    dtype: str = "float64",
    logits: bool = True,
) -> dict[str, Any]:
    """Loss and gradients of one call in the head's mode.

    Args:
        head: any loss head.
        embeddings: (N, E).
        labels: (N,) int64.
        dtype: of the embeddings that the head gets.
        logits: whether to compute logits first; this does not change the state.

    Returns:
        "loss", "logits" (N, C) if requested, "embeddings" (N, E), their gradient, "parameters", gradients by
        canonical name, and "dtype", the loss's.
    """
    x = paddle.to_tensor(embeddings).astype(getattr(paddle, dtype)).detach()
    x.stop_gradient = False
    y = paddle.to_tensor(labels)
    head.clear_gradients()
    out: dict[str, Any] = {}
    if logits:
        assert isinstance(head, MarginHead)
        out["logits"] = head.logits(x, y).detach().astype("float64").numpy()
    return {**out, **_backward(head, x, head(x, y))}


def call_part(
    head: MarginHead, embeddings: np.ndarray, labels: np.ndarray, first: int,
    others: Callable[[np.ndarray, str], np.ndarray],
) -> dict[str, Any]:  # fmt: skip
    """Like :func:`call` for a head that holds some of the classes; ``others`` returns the values of the other parts."""

    def reduce(values: paddle.Tensor, how: str) -> paddle.Tensor:
        rest = paddle.to_tensor(np.asarray(others(values.detach().numpy(), how))).astype(values.dtype)
        return values + rest if how == "sum" else paddle.maximum(values, rest)

    x = paddle.to_tensor(embeddings)
    x.stop_gradient = False
    head.clear_gradients()
    return _backward(head, x, head.forward_part(x, paddle.to_tensor(labels), first, reduce))


def _backward(head: nn.Layer, x: paddle.Tensor, loss: paddle.Tensor) -> dict[str, Any]:
    if not loss.stop_gradient:
        loss.backward()
    gradient = paddle.zeros_like(x) if x.grad is None else x.grad
    return {
        "loss": float(loss.detach()),
        "embeddings": gradient.astype("float64").numpy(),
        "parameters": state.gradients(head),
        "dtype": str(loss.dtype).rpartition(".")[2],
    }
