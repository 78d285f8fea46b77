"""Interface of loss heads, for both frameworks."""

from __future__ import annotations

import inspect
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
    def forward(self, embeddings: Any, labels: Any, indices_tuple: Any = None) -> Any:
        """The loss of a batch.

        Args:
            embeddings: (N, E) floating point, not normalised; half precision is computed in float32.
            labels: (N,) int64, 0..C-1.
            indices_tuple: None; the trainers of pytorch-metric-learning pass it. Tuples of a miner are refused.

        Returns:
            A scalar, in float32 or wider.

        Raises:
            IndexError: a label lies outside 0..C-1; the message names it and C. On a GPU and in a compiled graph the
                device refuses it instead, since reading a label there would synchronise.
            ValueError: the shapes differ, the batch is empty, or ``indices_tuple`` is given.
        """

    def extra_repr(self) -> str:
        """The constructor's arguments and their values, for ``repr`` in both frameworks."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        values = {name: getattr(self, name, None) for name in names}
        return ", ".join(f"{key}={value!r}" for key, value in values.items() if isinstance(value, int | float | str))


class ClassificationHead(Head):
    """A head with one weight row per class: canonical entry ``weight`` of shape (C, E)."""

    @abstractmethod
    def logits(self, embeddings: Any, labels: Any) -> Any:
        """Logits (N, C) after margin and scale, the input of the cross-entropy in a forward call in the same mode.

        The margin lowers the target's logit, so an accuracy read from them is too low. For the accuracy use the largest
        of the margin heads' ``cosines(embeddings)``, (N, C) without margin and scale.
        """
