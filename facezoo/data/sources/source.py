"""The interfaces of data sets: labels in memory, images read one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One decoded training image.

    Attributes:
        image: uint8 RGB (H, W, 3).
        label: 0..C-1.
        key: by which a person finds it again: a path, or a file and record number.
    """

    image: np.ndarray
    label: int
    key: str


class Source(ABC):
    """A labelled set of images with random access. It must be picklable: worker processes get a copy.

    Attributes:
        labels: int64 (n,), the label of each image, 0..C-1 without gaps.
        class_names: C names; ``class_names[label]`` is the name of the identity in the data set.
        weights: float64 (n,), how often each image comes in an epoch, on average; None: once.
    """

    labels: np.ndarray
    class_names: list[str]
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """C: identities, never images."""
        return len(self.class_names)

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """Decode image ``index`` to uint8 RGB (H, W, 3).

        Raises:
            ImageError: it cannot be decoded; the message holds the key.
        """

    @abstractmethod
    def key(self, index: int) -> str:
        """A name by which a person finds image ``index`` again."""


class StreamSource(ABC):
    """A labelled set without random access: shards read in order, shuffled in a bounded buffer.

    Attributes:
        num_classes: C.
        class_names: C names.
        length: images in one pass, known from the set's index.
    """

    num_classes: int
    class_names: list[str]
    length: int

    def items(self, *, seed: int, epoch: int) -> Iterator[Callable[[], Sample]]:
        """The samples of one pass, each as a function that decodes it; streams that can be joined have it.

        Raises:
            NotImplementedError: this stream has it not.
        """
        raise NotImplementedError(f"{type(self).__name__} has no items, which a stream needs to be joined")

    @abstractmethod
    def stream(self, *, seed: int, epoch: int, worker: int, workers: int) -> Iterator[Sample]:
        """Samples ``worker``, ``worker + workers``, ... of one pass; its order is a function of (seed, epoch).

        A broken image raises ImageError from ``next``; the iteration can be continued after it.
        """


class Decoding(Iterator[Sample]):
    """Decodes samples on demand. A class, because a generator ends when it raises."""

    def __init__(self, items: Iterator[Callable[[], Sample]]) -> None:
        self._items = items

    def __next__(self) -> Sample:
        return next(self._items)()
