"""What the conformance suite runs on a loss head: one call, or one call of a part, with NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import state
from facezoo.backends.torch.heads.auxiliary import AuxiliaryHead
from facezoo.backends.torch.heads.margin import MarginHead


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
