"""Checking a data set: every image is decoded, in several processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.data.sources.open_random_access import PairImages, open_random_access
from facezoo.data.sources.open_source import data_kind
from facezoo.data.sources.recordio import RecordIO, read_property
from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.sources.source import Source
from facezoo.errors import ConfigError, DataError, ImageError
from facezoo.io.progress import OnProgress, ignore_progress

_CHUNK = 64  # images per job


@dataclass
class CheckReport:
    """The result of a check.

    Attributes:
        path: the data set.
        kind: "folder", "list", "rec", "shards" or "bin".
        images: number of images it lists.
        identities: number of identities; 0 for pairs.
        pairs: number of pairs of a ``.bin``, else 0.
        broken: (key, reason) of each image that cannot be decoded.
        small: identities with fewer readable images than ``min_images``, and how many each has.
        duplicates: groups of keys whose pixels are equal; of a ``.bin`` only within a pair.
        mislabelled: groups of duplicates with different identities.
        sizes: "WIDTHxHEIGHT" -> images.
        notes: other contradictions.
    """

    path: str
    kind: str
    images: int = 0
    identities: int = 0
    pairs: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    small: dict[str, int] = field(default_factory=dict)
    duplicates: list[list[str]] = field(default_factory=list)
    mislabelled: list[list[str]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As a dict for JSON."""
        return asdict(self)


def check_data(
    path: str | Path, *, min_images: int = 2, workers: int = 1, on_progress: OnProgress = ignore_progress
) -> CheckReport:
    """Decode everything a data path holds.

    Args:
        path: anything :func:`open_source` opens, or a verification ``.bin``.
        min_images: identities with fewer readable images are listed.
        workers: processes that decode.
        on_progress: called with the number of images done, and of all.

    Raises:
        DataError: it cannot be opened.
        ConfigError: ``workers`` is below 1.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}; expected 1 or more")
    source = open_random_access(path)
    report = CheckReport(str(path), data_kind(path), len(source), source.num_classes)
    if isinstance(source, ShardImages):
        report.broken += source.broken
        report.images += len(source.broken)
    pixels: dict[str, list[int]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    readable = np.zeros(source.num_classes, np.int64)
    for index, error, size, digest in _decode_all(source, workers, on_progress):
        if error:
            report.broken.append((source.key(index), error))
        else:
            pixels[digest].append(index)
            sizes[size] += 1
            readable[source.labels[index]] += 1
    report.sizes = dict(sizes.most_common())
    groups = [group for group in pixels.values() if len(group) > 1]
    if isinstance(source, PairImages):
        report.pairs, report.identities = len(source.pairs), 0
        groups = _within_pairs(groups)
    else:
        few = np.flatnonzero(readable < min_images)
        report.small = {source.class_names[label]: int(readable[label]) for label in few}
    for group in groups:
        report.duplicates.append([source.key(index) for index in group])
        if len({int(source.labels[index]) for index in group}) > 1:
            report.mislabelled.append(report.duplicates[-1])
    if isinstance(source, RecordIO):
        report.notes += _notes(source)
    return report


def _within_pairs(groups: list[list[int]]) -> list[list[int]]:
    """Of the equal images of a ``.bin``, those within a pair: a set may use an image in many pairs."""
    return [[i, i + 1] for group in groups for i in group if i % 2 == 0 and i + 1 in group]


_Result = tuple[int, str, str, str]  # image number, error or "", "WxH", digest of the pixels


def _decode_all(source: Source, workers: int, on_progress: OnProgress) -> Iterator[_Result]:
    jobs = [range(start, min(start + _CHUNK, len(source))) for start in range(0, len(source), _CHUNK)]
    if workers == 1 or len(jobs) == 1:
        yield from _reported(map(_Decoder(source), jobs), len(source), on_progress)
        return
    # spawned, because a fork of a process that runs threads may hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context, initializer=_begin, initargs=(source,)
    ) as pool:
        try:
            with _interrupt_ignored():  # inherited by the workers: the parent handles Ctrl-C
                done = pool.map(_decode_job, jobs)
            yield from _reported(done, len(source), on_progress)
        except BrokenProcessPool as error:
            raise DataError("a worker process ended unexpectedly; try fewer workers") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupt_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set signal handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reported(jobs: Iterator[list[_Result]], total: int, on_progress: OnProgress) -> Iterator[_Result]:
    done = 0
    for results in jobs:
        yield from results
        done += len(results)
        on_progress(done, total)


class _Decoder:
    def __init__(self, source: Source) -> None:
        self.source = source

    def __call__(self, indices: range) -> list[_Result]:
        return [self._one(index) for index in indices]

    def _one(self, index: int) -> _Result:
        try:
            image = self.source.image(index)
        except ImageError as error:
            return index, str(error), "", ""
        digest = hashlib.blake2b(image.data, digest_size=16, salt=str(image.shape).encode()[:16])
        return index, "", f"{image.shape[1]}x{image.shape[0]}", digest.hexdigest()


_decoder: list[_Decoder] = []  # one per worker process, set when it starts


def _begin(source: Source) -> None:
    _decoder[:] = [_Decoder(source)]


def _decode_job(indices: range) -> list[_Result]:
    return _decoder[0](indices)


def _notes(source: RecordIO) -> list[str]:
    notes = []
    try:
        stated = read_property(source.path.parent)
        if stated and stated[0] != source.num_classes:
            notes.append(f"property states {stated[0]} identities; the records hold {source.num_classes}")
    except DataError as error:
        notes.append(str(error))
    wrong = source.against_ranges()
    if len(wrong):
        notes.append(
            f"{len(wrong)} images are in the range of another identity than their own header states, "
            f"such as {source.key(int(wrong[0]))}"
        )
    return notes
