"""Several streams as one: their samples mixed, their identities numbered one after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from facezoo.data.sources.filters import join_names
from facezoo.data.sources.source import Decoding, Sample, StreamSource
from facezoo.errors import ConfigError
from facezoo.rng import generator


class JoinedStream(StreamSource):
    """Streams mixed in proportion to their lengths and weights; the order is a function of (seed, epoch).

    Each stream keeps its own order. A stream of weight w gives round(w times its length) samples in an epoch: those at
    the beginning of its pass where w is below 1, and those of several passes where it is above.

    Args:
        streams: one or more, with ``items``.
        weights: how often the samples of each come in an epoch, on average; above 0.
        same_names: see :func:`facezoo.data.sources.filters.concatenate`.

    Raises:
        ConfigError: a weight is not above 0.
        DataError: two have an identity of the same name, and ``same_names`` is "refuse".
    """

    def __init__(
        self, streams: Sequence[StreamSource], weights: Sequence[float], *, same_names: str = "refuse"
    ) -> None:
        for weight in weights:
            if not 0 < weight < math.inf:
                raise ConfigError(f"the weight of a data set is {weight}; expected above 0")
        self.streams = list(streams)
        self.class_names = list(streams[0].class_names)
        self._labels = [np.arange(len(self.class_names))]
        for stream in self.streams[1:]:
            self.class_names, labels = join_names(self.class_names, stream.class_names, same_names)
            self._labels.append(labels)
        self.num_classes = len(self.class_names)
        self._passes = [math.ceil(weight) for weight in weights]
        self._counts = [
            max(1, round(weight * stream.length)) for weight, stream in zip(weights, self.streams, strict=True)
        ]
        self.length = sum(self._counts)

    def stream(self, *, seed: int, epoch: int, worker: int = 0, workers: int = 1) -> Iterator[Sample]:
        """The samples ``worker``, ``worker + workers``, ... of one pass; others are not decoded."""
        return Decoding(itertools.islice(self.items(seed=seed, epoch=epoch), worker, None, workers))

    def items(self, *, seed: int, epoch: int) -> Iterator[Callable[[], Sample]]:
        """The samples of one pass, each as a function that decodes it."""
        numbers = np.repeat(np.arange(len(self.streams), dtype=np.uint16), self._counts)
        opened = [self._items(number, seed, epoch) for number in range(len(self.streams))]
        for number in generator(seed, "joined", epoch).permutation(numbers):
            yield partial(self._relabelled, next(opened[number]), self._labels[number])

    def _items(self, number: int, seed: int, epoch: int) -> Iterator[Callable[[], Sample]]:
        passes = self._passes[number]
        for turn in range(passes):
            yield from self.streams[number].items(seed=seed, epoch=epoch * passes + turn)

    @staticmethod
    def _relabelled(item: Callable[[], Sample], labels: np.ndarray) -> Sample:
        sample = item()
        return Sample(sample.image, int(labels[sample.label]), sample.key)
