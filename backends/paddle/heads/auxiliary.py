"""Base of losses without logits, used alone or as a term beside a classification head."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import nn

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.inputs import check_batch, widen
from facezoo.interfaces.head import Head


class AuxiliaryHead(Head, nn.Layer):
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
        self.weight: paddle.Tensor | None = None
        if weighted:
            self.weight = self.create_parameter(
                [num_classes, embedding_size], default_initializer=nn.initializer.XavierUniform()
            )

    def forward(self, embeddings: paddle.Tensor, labels: paddle.Tensor, indices_tuple: Any = None) -> paddle.Tensor:
        with paddle.amp.auto_cast(enable=False):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes, indices_tuple)
            return self.term(self.upcast(embeddings), labels, self.weight)

    def term(self, embeddings: paddle.Tensor, labels: paddle.Tensor, weight: paddle.Tensor | None) -> paddle.Tensor:
        """The loss, a scalar.

        Args:
            embeddings: (N, E), float32 or float64.
            labels: (N,) int64.
            weight: (C, E), class weights, or None without them.
        """
        raise NotImplementedError

    def weigh(self, losses: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None) -> paddle.Tensor:
        """Losses of the samples, unchanged: this head adds a term and has no sample weights."""
        return losses

    def upcast(self, values: paddle.Tensor) -> paddle.Tensor:
        """Half precision to float32; wider types stay."""
        return values if values.dtype in (paddle.float32, paddle.float64) else widen(values, "float32")

    def keep_classes(self, first: int, count: int) -> None:
        """Not supported: the term needs the whole batch and all classes in one place."""
        raise ValueError(f"{type(self).__name__} needs all classes in one place; it cannot be split into parts")
