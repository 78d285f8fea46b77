"""What the conformance suite runs on a loss head: one call, or one call of a part, with NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import distributed, state
from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import MarginHead
from facezoo.backends.torch.sharded_head import ShardedHead
from facezoo.canonical.class_rows import ClassRows


def widen(head: nn.Module) -> nn.Module:
    """The same head in float64."""
    return head.double()


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
    x = torch.from_numpy(embeddings).to(getattr(torch, dtype)).requires_grad_()
    y = torch.from_numpy(labels)
    head.zero_grad()
    out: dict[str, Any] = {}
    if logits:
        assert isinstance(head, MarginHead)
        out["logits"] = head.logits(x, y).detach().double().numpy()
    return {**out, **_backward(head, x, head(x, y))}


def call_part(
    head: MarginHead, embeddings: np.ndarray, labels: np.ndarray, first: int,
    others: Callable[[np.ndarray, str], np.ndarray],
) -> dict[str, Any]:  # fmt: skip
    """Like :func:`call` for a head that holds some of the classes; ``others`` returns the values of the other parts."""

    def reduce(values: torch.Tensor, how: str) -> torch.Tensor:
        rest = torch.from_numpy(np.asarray(others(values.detach().numpy(), how))).to(values.dtype)
        return values + rest if how == "sum" else torch.maximum(values, rest)

    x = torch.from_numpy(embeddings).requires_grad_()
    head.zero_grad()
    return _backward(head, x, head.forward_part(x, torch.from_numpy(labels), first, reduce))


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
    x = torch.from_numpy(embeddings).requires_grad_()
    head.zero_grad()
    sharded.choose(labels, step)
    found = _backward(head, x, sharded(x, torch.from_numpy(labels)))
    if world_size > 1 and sharded.replicated:
        distributed.total([value.grad for value in sharded.replicated if value.grad is not None])
    active = {name: value.grad.numpy() for name, value in sharded.active.items() if value.grad is not None}
    return {**found, "parameters": {**state.gradients(head), **active}, "embeddings": found["embeddings"] / world_size}


def train_part(sharded: ShardedHead, embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Forward and backward pass of a divided head on (N, E) embeddings and (N,) labels; the loss."""
    loss = sharded(torch.from_numpy(embeddings).requires_grad_(), torch.from_numpy(labels))
    loss.backward()
    return float(loss.detach())


def _backward(head: nn.Module, x: torch.Tensor, loss: torch.Tensor) -> dict[str, Any]:
    if loss.requires_grad:
        loss.backward()
    gradient = torch.zeros_like(x) if x.grad is None else x.grad
    return {
        "loss": float(loss.detach()),
        "embeddings": gradient.double().numpy(),
        "parameters": state.gradients(head),
        "dtype": str(loss.dtype).rpartition(".")[2],
    }
