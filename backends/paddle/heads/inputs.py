"""What a head does with its inputs: checks of shapes and labels, and the precision it computes in."""

from __future__ import annotations

from typing import Any, Literal

import paddle


def check_batch(
    embeddings: paddle.Tensor, labels: paddle.Tensor, embedding_size: int, num_classes: int, indices_tuple: Any = None
) -> paddle.Tensor:
    """The labels in int64; ValueError for an unusable batch, IndexError for the first label outside 0..C-1.

    On a GPU and in a static graph such a label becomes C, which the kernels refuse: reading it would synchronise.
    """
    if indices_tuple is not None:
        raise ValueError("indices_tuple is given; expected None: this head takes the whole batch, not a miner's tuples")
    if embeddings.ndim != 2 or embeddings.shape[1] != embedding_size or list(labels.shape) != [embeddings.shape[0]]:
        shapes = f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"embeddings and labels have shapes {shapes}; expected (N, {embedding_size}) and (N,)")
    if len(labels) == 0:
        raise ValueError("the batch is empty; expected one sample or more")
    labels = labels.astype("int64")
    wrong = (labels < 0) | (labels >= num_classes)
    if not paddle.in_dynamic_mode() or labels.place.is_gpu_place():
        return paddle.where(wrong, paddle.full_like(labels, num_classes), labels)
    if bool(wrong.any()):
        raise IndexError(f"label {int(labels[wrong][0])} is out of range; expected 0 to {num_classes - 1}")
    return labels


def widen(values: paddle.Tensor, dtype: Literal["float32", "float64"]) -> paddle.Tensor:
    """``values`` in a wider type; a zero row of float16 gets no gradient, since its 1e12 overflows float16."""
    wide = values.astype(dtype)
    if values.dtype == paddle.float16 and values.ndim > 1:
        wide = paddle.where((wide.detach() != 0).any(axis=-1, keepdim=True), wide, wide.detach())
    return wide
