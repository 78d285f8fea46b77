"""A loss head whose classes are divided over processes, and Partial FC, which computes some of them in each step."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import distributed
from facezoo.backends.torch.heads.inputs import check_batch
from facezoo.backends.torch.heads.margin import MarginHead
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
            name: getattr(owner, entry)
            for name, owner, entry in head.row_tensors()
            if isinstance(getattr(owner, entry), nn.Parameter)
        }
        own = {id(value) for value in self.tables.values()}
        self.replicated = [value for value in head.parameters() if value.requires_grad and id(value) not in own]
        self.index: torch.Tensor | None = None  # rows of this step, ascending; None computes all
        self._part = _copied(head) if rate < 1 else head
        self.active: dict[str, nn.Parameter] = {}  # the rows of this step, by the table's canonical name

    def choose(self, labels: np.ndarray, step: int) -> None:
        """Before the first forward pass of a step: choose its classes by the labels of this process, (N,) int64."""
        if self.rate >= 1:
            return
        device = self.head.weight.device
        every = distributed.gather(torch.from_numpy(labels).to(device)).cpu().numpy()
        count = sample_size(self.rows, len(every), self.rate)
        chosen = sample_classes(every, self.rows, count, generator(self.seed, "classes", step, self.rank))
        self.index = torch.from_numpy(chosen).to(device)
        self.active = {}
        for (name, owner, entry), (_, part, _) in zip(self.head.row_tensors(), self._part.row_tensors(), strict=True):
            kept = getattr(owner, entry).detach().index_select(0, self.index)
            if name in self.tables:
                self.active[name] = part._parameters[entry] = nn.Parameter(kept)
            else:
                part._buffers[entry] = kept
        shares = [divide_classes(self.rows.total, rank, self.world_size) for rank in range(self.world_size)]
        computed = sum(sample_size(share, len(every), self.rate) for share in shares)
        for part in (self._part, *self._part.attached().values()):
            part.num_classes = computed
        self._part.train(self.head.training)

    def __call__(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of the images of all processes, from the (N, E) embeddings and (N,) labels of this one."""
        labels = check_batch(embeddings, labels, self.head.embedding_size, self.rows.total)
        embeddings = self.head.upcast(embeddings)
        reduce = None
        if self.world_size > 1:
            embeddings, labels = distributed.gather_embeddings(embeddings), distributed.gather(labels)
            reduce = distributed.reduce
        return self._part.forward_columns(embeddings, self._columns(labels), reduce)

    def _columns(self, labels: torch.Tensor) -> torch.Tensor:
        """The column of each label among those computed, or -1."""
        local = labels - self.rows.first
        if self.index is None:
            return torch.where((local >= 0) & (local < self.rows.count), local, torch.full_like(local, -1))
        place = torch.searchsorted(self.index, local).clamp(max=len(self.index) - 1)
        return torch.where(self.index[place] == local, place, torch.full_like(place, -1))


def _copied(module: Any) -> Any:
    """The module and those inside it, without a copy of the tensors."""
    other = copy.copy(module)
    other._parameters, other._buffers = dict(module._parameters), dict(module._buffers)
    other._modules = {name: _copied(child) for name, child in module._modules.items()}
    return other
