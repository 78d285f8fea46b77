"""Interface of loss heads, for both frameworks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Head(ABC):
    """A loss on embeddings and labels, with its own parameters and state.

    Buffers are updated in training calls only, not by the gradient; ``logits`` does not change them.

    Attributes:
        embedding_size: E.
        num_classes: C.
    """

    embedding_size: int
    num_classes: int

    @abstractmethod
    def forward(self, embeddings: Any, labels: Any) -> Any:
        """The loss of a batch.

        Args:
            embeddings: (N, E) floating point, not normalised; half precision is computed in float32.
            labels: (N,) int64, 0..C-1.

        Returns:
            A scalar, in float32 or wider.

        Raises:
            IndexError: a label lies outside 0..C-1; the message names it and C.
            ValueError: the shapes differ.
        """


class ClassificationHead(Head):
    """A head with one weight row per class: canonical entry ``weight`` of shape (C, E)."""

    @abstractmethod
    def logits(self, embeddings: Any, labels: Any) -> Any:
        """Logits (N, C) after margin and scale, the input of the cross-entropy in a forward call in the same mode."""
