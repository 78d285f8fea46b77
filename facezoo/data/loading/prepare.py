"""One job of the loader: decode, resize and augment some images into an array, in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from facezoo.data.loading.cache import DecodedCache
from facezoo.data.sources.source import Sample, Source, StreamSource
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import DataError, ImageError, ShapeError
from facezoo.rng import generator

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class IndexJob:
    """Images by number.

    Attributes:
        epoch: the epoch, part of each image's seed.
        indices: int64 (N,).
        repeats: int64 (N,), how often each came before in this epoch: a repeated image is augmented differently.
        spares: int64 (S,), images that replace unreadable ones, in this order.
    """

    epoch: int
    indices: np.ndarray
    repeats: np.ndarray
    spares: np.ndarray


@dataclass(frozen=True)
class StreamJob:
    """The next images of one part of a stream.

    Attributes:
        epoch: the epoch.
        part: number of the part, 0..parts-1.
        parts: readers over all processes.
        turn: how often the part was restarted in this epoch to fill the last steps.
        first: start the part from its beginning.
        count: images to take.
    """

    epoch: int
    part: int
    parts: int
    turn: int
    first: bool
    count: int


@dataclass
class Prepared:
    """The result of a job: the first ``count`` rows of its array, and what they hold.

    Attributes:
        count: rows filled.
        indices: int64 (count,), the images used, including spares; for a stream, sample numbers.
        labels: int64 (count,).
        keys: for a stream, ``count`` keys; else None, since the source has them.
        bad: (key, reason) of each unreadable image.
        ended: the part is over.
    """

    count: int
    indices: np.ndarray
    labels: np.ndarray
    keys: list[str] | None = None
    bad: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False


class Preparer:
    """Carries out jobs. Picklable before its first job; it keeps the open part of a stream between jobs.

    Args:
        source: where images come from.
        size: (height, width) of the result; others are resized, bilinear.
        augmentation: changes an image, or None.
        seed: the run's seed.
        cache: decoded images by number, or None.
    """

    def __init__(
        self,
        source: Source | StreamSource,
        *,
        size: tuple[int, int],
        augmentation: Augment | None = None,
        seed: int = 0,
        cache: DecodedCache | None = None,
    ) -> None:
        self.source, self.size, self.augmentation = source, size, augmentation
        self.seed, self.cache = seed, cache
        self._open: dict[int, tuple[Iterator[Sample], int]] = {}

    def run(self, job: IndexJob | StreamJob, out: np.ndarray) -> Prepared:
        """Fill rows of ``out``, uint8 (M, H, W, 3), M at least the job's number of images.

        Raises:
            DataError: no spare image could be read either.
        """
        return self._by_index(job, out) if isinstance(job, IndexJob) else self._by_stream(job, out)

    def _by_index(self, job: IndexJob, out: np.ndarray) -> Prepared:
        assert isinstance(self.source, Source)
        shown = job.indices.copy()
        bad: dict[int, str] = {}
        for row, index in enumerate(job.indices):
            for candidate in (int(index), *self._instead(job, int(index))):
                image = self._decode(candidate, bad)
                if image is not None:
                    break
            else:
                raise DataError(f"no readable image found to replace {self.source.key(int(index))}")
            words: tuple[int, ...] = (job.epoch, candidate)
            if job.repeats[row]:
                words = (*words, int(job.repeats[row]))
            out[row] = self._augment(image, words)
            shown[row] = candidate
        notes = [(self.source.key(index), reason) for index, reason in bad.items()]
        return Prepared(len(shown), shown, self.source.labels[shown], bad=notes)

    def _instead(self, job: IndexJob, index: int) -> Iterator[int]:
        """Replacements: other images of the identity in the batch, so that pairs remain, then the spares."""
        assert isinstance(self.source, Source)
        labels = self.source.labels
        yield from (int(i) for i in job.indices if labels[i] == labels[index] and i != index)
        yield from (int(i) for i in job.spares)

    def _decode(self, index: int, bad: dict[int, str]) -> np.ndarray | None:
        """The resized image, or None when it cannot be read."""
        assert isinstance(self.source, Source)
        if index in bad:
            return None
        image = self.cache.get(index) if self.cache else None
        if image is not None:
            return image
        try:
            image = resized(self.source.image(index), self.size)
        except ImageError as error:
            bad[index] = str(error)
            return None
        if self.cache:
            self.cache.put(index, image)
        return image

    def _augment(self, image: np.ndarray, words: tuple[int | str, ...]) -> np.ndarray:
        if self.augmentation is None:
            return image
        return self.augmentation(image, generator(self.seed, "augment", *words))

    def _by_stream(self, job: StreamJob, out: np.ndarray) -> Prepared:
        assert isinstance(self.source, StreamSource)
        if job.first:
            opened = self.source.stream(seed=self.seed, epoch=job.epoch, worker=job.part, workers=job.parts)
            self._open[job.part] = (iter(opened), job.part)
        stream, number = self._open[job.part]
        rows: list[tuple[int, int, str]] = []
        bad: list[tuple[str, str]] = []
        ended = False
        while len(rows) < job.count and not ended:
            try:
                sample = next(stream)
            except StopIteration:
                ended = True
            except ImageError as error:
                bad.append((str(error).partition(": ")[0], str(error)))
                number += job.parts
            else:
                image = resized(sample.image, self.size)
                out[len(rows)] = self._augment(image, (job.epoch, number, "turn", job.turn))
                rows.append((number, sample.label, sample.key))
                number += job.parts
        self._open[job.part] = (stream, number)
        numbers, labels, keys = zip(*rows, strict=True) if rows else ((), (), ())
        return Prepared(
            len(rows), np.array(numbers, np.int64), np.array(labels, np.int64), list(keys), bad=bad, ended=ended
        )


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image at (height, width) by the central crop; the same array when it already has this size.

    >>> resized(np.zeros((109, 89, 3), np.uint8), (112, 112)).shape
    (112, 112, 3)

    Raises:
        ShapeError: it is not uint8 (H, W, 3), so the source breaks its contract.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ShapeError(f"a source returned an image of {image.dtype} {image.shape}; expected uint8 (H, W, 3)")
    if image.shape[:2] == size:
        return image
    return np.array(central_crop(image, size))
