"""What a head does with its inputs: checks of shapes and labels, and the precision it computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def check_batch(
    embeddings: torch.Tensor, labels: torch.Tensor, embedding_size: int, num_classes: int, indices_tuple: Any = None
) -> torch.Tensor:
    """The labels in int64; ValueError for an unusable batch, IndexError for the first label outside 0..C-1.

    On a GPU and in a compiled graph the device checks the labels (RuntimeError): reading them would synchronise.
    """
    if indices_tuple is not None:
        raise ValueError("indices_tuple is given; expected None: this head takes the whole batch, not a miner's tuples")
    if embeddings.ndim != 2 or embeddings.shape[1] != embedding_size or labels.shape != embeddings.shape[:1]:
        shapes = f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"embeddings and labels have shapes {shapes}; expected (N, {embedding_size}) and (N,)")
    if len(labels) == 0:
        raise ValueError("the batch is empty; expected one sample or more")
    wrong = (labels < 0) | (labels >= num_classes)
    if torch.compiler.is_compiling() or (_has_values(labels) and labels.device.type != "cpu"):
        torch._assert_async(~wrong.any(), f"a label is out of range; expected 0 to {num_classes - 1}")
    elif _has_values(labels) and bool(wrong.any()):
        raise IndexError(f"label {int(labels[wrong][0])} is out of range; expected 0 to {num_classes - 1}")
    return labels.long()


def _has_values(labels: torch.Tensor) -> bool:
    """False for fake and meta tensors, and inside vmap and tracing, where no value can be read."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(labels)
    return type(labels) is torch.Tensor and not (wrapped or labels.is_meta or torch.jit.is_tracing())


def no_autocast(values: torch.Tensor) -> AbstractContextManager[Any]:
    """A context without automatic mixed precision on the device of ``values``."""
    kind = values.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def widen(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """``values`` in a wider type; a zero row of float16 gets no gradient, since its 1e12 overflows float16."""
    wide = values.to(dtype)
    if values.dtype == torch.float16 and values.ndim > 1:
        wide = torch.where((values != 0).any(dim=-1, keepdim=True), wide, wide.detach())
    return wide
