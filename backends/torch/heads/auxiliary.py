"""Base of losses without logits, used alone or as a term beside a classification head."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.inputs import check_batch, no_autocast, widen
from facezoo.interfaces.head import Head


class AuxiliaryHead(Head, nn.Module):
    """A loss on embeddings, labels and perhaps class weights; a subclass defines ``term``.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of the class's ``variants``.
        weighted: whether it has class weights of its own.
    """

    variants: tuple[str, ...] = ("ref",)

    def __init__(self, embedding_size: int, num_classes: int, *, variant: str = "ref", weighted: bool = False) -> None:
        super().__init__()
        if variant not in self.variants:
            raise ValueError(f"{type(self).__name__} has no variant {variant!r}; known: {', '.join(self.variants)}")
        self.embedding_size = embedding_size
        self.num_classes = num_classes
        self.variant = variant
        self.weight: nn.Parameter | None = None
        if weighted:
            self.weight = nn.Parameter(torch.empty(num_classes, embedding_size))
            nn.init.xavier_uniform_(self.weight)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor, indices_tuple: Any = None) -> torch.Tensor:
        with no_autocast(embeddings):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes, indices_tuple)
            return self.term(self.upcast(embeddings), labels, self.weight)

    def term(self, embeddings: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """The loss, a scalar.

        Args:
            embeddings: (N, E), float32 or float64.
            labels: (N,) int64.
            weight: (C, E), class weights, or None without them.
        """
        raise NotImplementedError

    def weigh(self, losses: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None) -> torch.Tensor:
        """Losses of the samples, unchanged: this head adds a term and has no sample weights."""
        return losses

    def upcast(self, values: torch.Tensor) -> torch.Tensor:
        """Half precision to float32; wider types stay."""
        return values if values.dtype in (torch.float32, torch.float64) else widen(values, torch.float32)

    def keep_classes(self, first: int, count: int) -> None:
        """Not supported: the term needs the whole batch and all classes in one place."""
        raise ValueError(f"{type(self).__name__} needs all classes in one place; it cannot be split into parts")
