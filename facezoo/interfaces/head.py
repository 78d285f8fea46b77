"""What every loss head is, whatever the framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Head(ABC):
    """A loss on embeddings and labels, with whatever parameters and state it trains.

    A head with state (buffers) moves it in training calls only, never by the gradient; ``logits`` leaves it alone.

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
            ValueError: the shapes are others.
        """


class ClassificationHead(Head):
    """A head with one weight row per class: canonical entry ``weight`` of shape (C, E)."""

    @abstractmethod
    def logits(self, embeddings: Any, labels: Any) -> Any:
        """Logits (N, C) after margin and scale, as the cross-entropy gets them in a forward call of the same mode."""
