"""Batches in the order of a sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np

from facezoo.data.loading.prepare import IndexJob, Prepared
from facezoo.data.loading.samplers import Sampler, occurrences
from facezoo.data.loading.workers import Runner
from facezoo.data.sources.source import Source

Columns = tuple[np.ndarray, np.ndarray, list[str], np.ndarray]  # images, labels, keys, indices
SPARES = 16  # images after a batch in the order that may replace unreadable ones


class IndexBatches:
    """One job per batch.

    Args:
        source: images by number.
        sampler: their order.
    """

    def __init__(self, source: Source, sampler: Sampler) -> None:
        self.source, self.sampler = source, sampler
        self.total, self.batch_size, self.rows = len(source), sampler.batch_size, sampler.batch_size

    def __len__(self) -> int:
        return len(self.sampler)

    def _jobs(self, epoch: int, start_batch: int) -> Iterator[tuple[int, IndexJob]]:
        order = self.sampler.order(epoch)
        repeats = occurrences(order)
        for batch in range(start_batch, len(self)):
            positions = self.sampler.positions(batch)
            after = np.arange(positions[-1] + 1, positions[-1] + 1 + SPARES) % len(order)
            yield batch, IndexJob(epoch, order[positions], repeats[positions], order[after])

    def read(self, runner: Runner, epoch: int, start_batch: int, note: Callable[[Prepared], None]) -> Iterator[Columns]:
        """Batches of an epoch; ``note`` is called with each answer first."""
        with closing(runner.map(self._jobs(epoch, start_batch))) as answers:
            for images, answer in answers:
                note(answer)
                keys = [self.source.key(int(index)) for index in answer.indices]
                yield images, answer.labels, keys, answer.indices
