"""Batches of an epoch, bit-identical for any number of worker processes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from facezoo.data.loading.bad_images import MAX_BAD_SHARE, BadImages
from facezoo.data.loading.cache import CACHE_BYTES, DecodedCache
from facezoo.data.loading.index_batches import IndexBatches
from facezoo.data.loading.prepare import Augment, Preparer
from facezoo.data.loading.samplers import Sampler, create_sampler
from facezoo.data.loading.stream_batches import StreamBatches
from facezoo.data.loading.workers import InProcess, Runner, WorkerPool
from facezoo.data.sources.source import Source, StreamSource
from facezoo.data.transforms.augment import create_augmentation
from facezoo.errors import ConfigError


@dataclass(frozen=True)
class Batch:
    """The images of one training step.

    Attributes:
        images: uint8 RGB (N, H, W, 3).
        labels: int64 (N,).
        keys: N keys, by which a person finds the images again.
        indices: int64 (N,), image numbers; for a stream, numbers in the order of this epoch.
    """

    images: np.ndarray
    labels: np.ndarray
    keys: list[str]
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class Loader:
    """Reads, augments and batches a source. Use it in a ``with`` block, or call :meth:`close`.

    Unreadable images are skipped, reported to ``on_bad`` and replaced: by another image of the same identity
    in the batch if there is one, else by the next of the epoch's order.

    Args:
        source: images by number, or a stream. A stream is already shuffled; it takes no sampler and no cache.
        batch_size: images per process and step; may be left out when ``sampler`` is an object.
        sampler: an object, or the name of one (see ``create_sampler``).
        sampler_options: its settings, when it is given by name.
        augmentation: a recipe's name, a callable (image, generator) -> image, or None.
        size: side, or (height, width), of the images given; others are resized, bilinear.
        seed: the run's seed.
        workers: processes that prepare images; 0 prepares them in this process, on demand.
        prefetch: jobs queued per worker, 1 or more.
        drop_last: leave out an incomplete last batch.
        rank: this process, 0..world_size-1.
        world_size: processes that share the epoch.
        max_bad_share: share of the set that may be unreadable, 0..1; more raises DataError.
        on_bad: called once for each unreadable image with (key, reason); see ``BadImageFile``.
        cache: keep decoded images in memory, as many as fit in ``cache_bytes``.
        cache_bytes: limit of the cache.

    Raises:
        ConfigError: a setting is not valid, or the set does not fill one batch.
    """

    def __init__(
        self,
        source: Source | StreamSource,
        *,
        batch_size: int | None = None,
        sampler: Sampler | str = "shuffled",
        sampler_options: Mapping[str, float] | None = None,
        augmentation: Augment | str | None = None,
        size: int | tuple[int, int] = 112,
        seed: int = 0,
        workers: int = 0,
        prefetch: int = 2,
        drop_last: bool = True,
        rank: int = 0,
        world_size: int = 1,
        max_bad_share: float = MAX_BAD_SHARE,
        on_bad: Callable[[str, str], object] | None = None,
        cache: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        for name, value, least in (("workers", workers, 0), ("prefetch", prefetch, 1)):
            if value < least:
                raise ConfigError(f"loader's {name} is {value}; expected {least} or more")
        self.source, self.workers, self.prefetch = source, workers, prefetch
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        common: dict[str, Any] = {"rank": rank, "world_size": world_size, "drop_last": drop_last}
        self._batches: IndexBatches | StreamBatches
        if isinstance(source, StreamSource):
            if cache or sampler != "shuffled":
                raise ConfigError("a stream takes neither a sampler nor a cache; its shards are read in shuffled order")
            self._batches = StreamBatches(source, _given(batch_size), readers=max(1, workers), **common)
        else:
            if isinstance(sampler, str):
                common |= {"seed": seed, **(sampler_options or {})}
                if sampler != "identities" or batch_size is not None:  # its batch size is identities x images
                    common["batch_size"] = _given(batch_size)
                if source.weights is not None:
                    common["weights"] = source.weights
                sampler = create_sampler(sampler, source.labels, **common)
            elif batch_size not in (None, sampler.batch_size):
                raise ConfigError(f"batch_size is {batch_size}; the sampler's is {sampler.batch_size}")
            self._batches = IndexBatches(source, sampler)
        self.batch_size = self._batches.batch_size
        self.bad = BadImages(self._batches.total, max_bad_share, on_bad)
        self._cache = (
            DecodedCache(self._batches.total, self.size, max_bytes=cache_bytes, shared=workers > 0) if cache else None
        )
        augment = create_augmentation(augmentation) if isinstance(augmentation, str) else augmentation
        self._preparer = Preparer(source, size=self.size, augmentation=augment, seed=seed, cache=self._cache)
        self._runner: Runner | None = None
        self._current: weakref.ref[Generator[Batch, None, None]] | None = None

    def __len__(self) -> int:
        """Batches of one epoch."""
        return len(self._batches)

    def epoch(self, epoch: int, start_batch: int = 0) -> Generator[Batch, None, None]:
        """The batches of an epoch from ``start_batch`` on. Iterating over an earlier epoch of this loader ends.

        Raises:
            DataError: too many images cannot be read.
            WorkerError: a worker process died.
        """
        self._leave()
        batches = self._read(epoch, start_batch)
        self._current = weakref.ref(batches)  # it refers to this loader; both are freed when unused
        return batches

    def _read(self, epoch: int, start_batch: int) -> Generator[Batch, None, None]:
        if self._runner is None:
            self._runner = self._start()
        try:
            for images, labels, keys, indices in self._batches.read(self._runner, epoch, start_batch, self._note):
                yield Batch(images, labels, keys, indices)
        except GeneratorExit:  # left early; the workers stay for the next epoch
            raise
        except BaseException:  # Ctrl-C too
            self._current = None  # this generator, which is ending already
            self.close()
            raise

    def _note(self, answer: Any) -> None:
        """Record the bad images of an answer, and mark the others as cached."""
        for key, reason in answer.bad:
            self.bad.add(key, reason)
        if self._cache is not None:
            self._cache.mark(answer.indices)

    def _start(self) -> Runner:
        rows = self._batches.rows
        if self.workers == 0:
            return InProcess(self._preparer, rows)
        return WorkerPool(self._preparer, rows, workers=self.workers, prefetch=self.prefetch)

    def _leave(self) -> None:
        current = self._current() if self._current else None
        self._current = None
        if current is not None:
            current.close()

    def close(self) -> None:
        """End the worker processes. The next epoch starts them again."""
        self._leave()
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _given(batch_size: int | None) -> int:
    if batch_size is None or batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; expected 1 or more")
    return batch_size
