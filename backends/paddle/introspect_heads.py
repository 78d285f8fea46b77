"""What the conformance suite runs on a loss head: one call, or one call of a part, with NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle import distributed, state
from facezoo.backends.paddle.heads.auxiliary import AuxiliaryHead
from facezoo.backends.paddle.heads.margin import MarginHead
from facezoo.backends.paddle.sharded_head import ShardedHead
from facezoo.canonical.class_rows import ClassRows


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


def call_sharded(
    head: MarginHead, rows: ClassRows, rate: float, embeddings: np.ndarray, labels: np.ndarray, *, rank: int,
    world_size: int, step: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Like :func:`call` in each of several processes, which hold some of the classes each.

    Args:
        head: holds the rows of this process.
        rows: which these are.
        rate: of Partial FC, 1 for none.
        embeddings: (N, E), of this process, in the dtype to compute in.
        labels: (N,) int64, of this process.
        rank: this process.
        world_size: how many there are.
        step: the number of the step, which the choice of classes depends on.
    """
    sharded = ShardedHead(head, rows, rate, 0, rank, world_size)
    x = paddle.to_tensor(embeddings, stop_gradient=False)
    head.clear_gradients()
    sharded.choose(labels, step)
    found = _backward(head, x, sharded(x, paddle.to_tensor(labels)))
    if world_size > 1 and sharded.replicated:
        distributed.total([value.grad for value in sharded.replicated if value.grad is not None])
    active = {name: value.grad.numpy() for name, value in sharded.active.items() if value.grad is not None}
    return {**found, "parameters": {**state.gradients(head), **active}, "embeddings": found["embeddings"] / world_size}


def train_part(sharded: ShardedHead, embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Forward and backward pass of a divided head on (N, E) embeddings and (N,) labels; the loss."""
    loss = sharded(paddle.to_tensor(embeddings, stop_gradient=False), paddle.to_tensor(labels))
    loss.backward()
    return float(loss.detach())


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
