"""A loss head whose classes are divided over processes, and Partial FC, which computes some of them in each step."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle import distributed
from facezoo.backends.paddle.heads.inputs import check_batch
from facezoo.backends.paddle.heads.margin import MarginHead
from facezoo.canonical.class_rows import ClassRows, divide_classes, sample_classes, sample_size
from facezoo.rng import generator


class ShardedHead:
    """The part of a head that this process holds.

    Every process gets the embeddings of all, and computes the same loss. In the backward pass its class rows get the
    full gradient, and the embeddings go back to their process with the gradient of all parts.

    Args:
        head: holds the rows of this process only.
        rows: which these are.
        rate: share of them that a step computes, above 0 to 1.
        seed: of the choice.
        world_size: processes.
        rank: this one.
    """

    def __init__(
        self, head: MarginHead, rows: ClassRows, rate: float, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self.head, self.rows, self.rate, self.seed = head, rows, rate, seed
        self.rank, self.world_size = rank, world_size
        self.tables = {
            name: getattr(owner, entry) for name, owner, entry in head.row_tensors() if entry in owner._parameters
        }
        own = {id(value) for value in self.tables.values()}
        self.replicated = [value for value in head.parameters() if not value.stop_gradient and id(value) not in own]
        self.index: paddle.Tensor | None = None  # rows of this step, ascending; None computes all
        self._part = _copied(head) if rate < 1 else head
        self.active: dict[str, paddle.Tensor] = {}  # the rows of this step, by the table's canonical name

    def choose(self, labels: np.ndarray, step: int) -> None:
        """Before the first forward pass of a step: choose its classes by the labels of this process, (N,) int64."""
        if self.rate >= 1:
            return
        every = distributed.gather(paddle.to_tensor(labels)).numpy()
        count = sample_size(self.rows, len(every), self.rate)
        chosen = sample_classes(every, self.rows, count, generator(self.seed, "classes", step, self.rank))
        self.index = paddle.to_tensor(chosen)
        for (name, owner, entry), (_, part, _) in zip(self.head.row_tensors(), self._part.row_tensors(), strict=True):
            kept = paddle.index_select(getattr(owner, entry).detach(), self.index)
            if name in self.tables:
                rows = self.active.get(name)
                if rows is None or rows.shape != kept.shape:
                    zero = nn.initializer.Constant(0.0)
                    rows = self.head.create_parameter(kept.shape, dtype=kept.dtype, default_initializer=zero)
                rows.grad = None
                rows.set_value(kept)
                self.active[name] = part._parameters[entry] = rows
            else:
                part._buffers[entry] = kept
        shares = [divide_classes(self.rows.total, rank, self.world_size) for rank in range(self.world_size)]
        computed = sum(sample_size(share, len(every), self.rate) for share in shares)
        for part in (self._part, *self._part.attached().values()):
            part.num_classes = computed
        self._part.training = self.head.training

    def __call__(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        """The loss of the images of all processes, from the (N, E) embeddings and (N,) labels of this one."""
        labels = check_batch(embeddings, labels, self.head.embedding_size, self.rows.total)
        embeddings = self.head.upcast(embeddings)
        reduce = None
        if self.world_size > 1:
            embeddings, labels = distributed.gather_embeddings(embeddings), distributed.gather(labels)
            reduce = distributed.reduce
        return self._part.forward_columns(embeddings, self._columns(labels), reduce)

    def _columns(self, labels: paddle.Tensor) -> paddle.Tensor:
        """The column of each label among those computed, or -1."""
        local = labels - self.rows.first
        if self.index is None:
            return paddle.where((local >= 0) & (local < self.rows.count), local, paddle.full_like(local, -1))
        place = paddle.searchsorted(self.index, local).clip(max=len(self.index) - 1)
        return paddle.where(paddle.index_select(self.index, place) == local, place, paddle.full_like(place, -1))


def _copied(layer: Any) -> Any:
    """The layer and those inside it, without a copy of the tensors."""
    other = copy.copy(layer)
    other._parameters, other._buffers = copy.copy(layer._parameters), copy.copy(layer._buffers)
    other._sub_layers = copy.copy(layer._sub_layers)
    for name, child in layer._sub_layers.items():
        other._sub_layers[name] = _copied(child)
    return other
