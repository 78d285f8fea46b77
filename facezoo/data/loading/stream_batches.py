"""Batches of a stream, in the same order for any number of reading processes.

Sample p of a stream goes to reader p % readers (see ``StreamSource``). The parts of the readers are merged by sample
number, unreadable images are left out, and the result is cut into batches.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import numpy as np

from facezoo.data.loading.index_batches import Columns
from facezoo.data.loading.prepare import Prepared, StreamJob
from facezoo.data.loading.workers import Runner
from facezoo.data.sources.source import StreamSource
from facezoo.errors import ConfigError, DataError

CHUNK = 32  # images of one job

Row = tuple[int, np.ndarray, int, str]  # sample number, image, label, key


class StreamBatches:
    """Cuts a stream into batches.

    With ``drop_last`` each process gets ``length // (batch_size * world_size)`` batches; a process with a
    few images less, because some cannot be read, restarts its share to fill the last ones.

    Args:
        source: the stream.
        batch_size: images of a batch.
        readers: worker processes of this process that read, 1 or more.
        rank: this process; it takes the samples p with p % world_size == rank.
        world_size: processes that share the stream.
        drop_last: leave out an incomplete last batch.
    """

    def __init__(
        self, source: StreamSource, batch_size: int, *, readers: int, rank: int, world_size: int, drop_last: bool
    ) -> None:
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank is {rank}; expected 0..{world_size - 1} (world_size {world_size})")
        self.source, self.batch_size, self.drop_last = source, batch_size, drop_last
        self.readers, self.rank, self.world_size = readers, rank, world_size
        self.total, self.rows = source.length, min(CHUNK, batch_size)
        if source.length == 0:
            raise DataError("the stream holds 0 images; expected 1 or more")
        if drop_last and len(self) == 0:
            raise ConfigError(
                f"{source.length} images do not fill one batch of {batch_size} x {world_size} processes; "
                "lower the batch size"
            )

    def __len__(self) -> int:
        full, rest = divmod(self.source.length, self.batch_size * self.world_size)
        return full + (0 if self.drop_last else int(rest > self.rank))

    def read(self, runner: Runner, epoch: int, start_batch: int, note: Callable[[Prepared], None]) -> Iterator[Columns]:
        """Batches of an epoch from ``start_batch`` on; those before are read and dropped. ``note`` gets each answer."""
        begin, end = start_batch * self.batch_size, len(self) * self.batch_size
        with closing(self._rows(runner, epoch, note)) as rows:
            wanted = itertools.islice(rows, begin, max(begin, end))
            while held := list(itertools.islice(wanted, self.batch_size)):
                numbers, images, labels, keys = zip(*held, strict=True)
                yield np.stack(images), np.array(labels, np.int64), list(keys), np.array(numbers, np.int64)

    def _rows(self, runner: Runner, epoch: int, note: Callable[[Prepared], None]) -> Generator[Row, None, None]:
        """One image after the other; endless with ``drop_last``, since the last batches must be full."""
        for turn in itertools.count() if self.drop_last else range(1):
            merge = _Merge(self.readers, self.world_size)
            found = 0
            with closing(runner.map(self._jobs(merge, epoch, turn))) as answers:
                for images, answer in answers:
                    note(answer)
                    merge.add(images, answer)
                    found += answer.count
                    yield from merge.ready()
            if found == 0:
                raise DataError(
                    f"process {self.rank} of {self.world_size} found no readable image in its share "
                    f"of the stream of {self.total}"
                )

    def _jobs(self, merge: _Merge, epoch: int, turn: int) -> Iterator[tuple[int, StreamJob]]:
        """Chunks of the readers in turn. Jobs are sent ahead; a job for a part that has ended changes nothing."""
        first = True
        while not all(merge.ended):
            for reader in range(self.readers):
                if not merge.ended[reader]:
                    merge.asked.append(reader)
                    part, parts = reader * self.world_size + self.rank, self.readers * self.world_size
                    yield reader, StreamJob(epoch, part, parts, turn, first, self.rows)
            first = False


class _Merge:
    """Merges the parts of the readers in the order of sample numbers."""

    def __init__(self, readers: int, world_size: int) -> None:
        self.readers, self.world_size = readers, world_size
        self.asked: deque[int] = deque()
        self.ended = [False] * readers
        self.waiting: list[deque[Row]] = [deque() for _ in range(readers)]
        self.place = 0  # position in the share of this process

    def add(self, images: np.ndarray, answer: Prepared) -> None:
        """Add the answer to the oldest job."""
        reader = self.asked.popleft()
        self.ended[reader] |= answer.ended
        numbers, labels = answer.indices.tolist(), answer.labels.tolist()
        self.waiting[reader].extend(zip(numbers, images, labels, answer.keys or [], strict=True))

    def ready(self) -> Iterator[Row]:
        """The rows that are next in order."""
        while True:
            reader = self.place % self.readers
            if self.waiting[reader]:
                if self.waiting[reader][0][0] // self.world_size == self.place:  # else its image was unreadable
                    yield self.waiting[reader].popleft()
            elif not self.ended[reader] or not any(self.waiting):
                return
            self.place += 1
