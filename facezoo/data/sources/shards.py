"""Tar shards in webdataset layout, read in order; for data larger than memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from facezoo.data.image import read_image
from facezoo.data.sources.shard_index import label_of, open_index, sample_key, shard_members
from facezoo.data.sources.source import Decoding, Sample, StreamSource
from facezoo.data.sources.tar_members import Member
from facezoo.errors import ConfigError
from facezoo.rng import generator


class Shards(StreamSource):
    """A folder of tar files, and ``index.json`` with the class names and counts.

    Without an index, as webdataset's own writer leaves a folder, the labels of all samples are read once before the
    first pass: numbers or names in ``.cls`` members, or in "label", "cls", "class" or "identity" of ``.json`` members.

    The order of a pass is a function of (seed, epoch): the shards are permuted and read one after the other, and the
    next sample is drawn from a buffer. Worker w of W gets the samples w, w + W, ... of that order, so it does not
    depend on the number of workers. Every worker reads every shard, which the system's cache makes cheap, and decodes
    its own images only.

    Args:
        path: the folder.
        buffer: encoded samples from which the next is drawn; 1 keeps the order of the shards.

    Raises:
        DataError: the folder is missing, its index is not valid, or a shard without index is broken or has no labels.
    """

    def __init__(self, path: str | os.PathLike[str], *, buffer: int = 2048) -> None:
        if buffer < 1:
            raise ConfigError(f"buffer is {buffer}; expected 1 or more samples")
        self.path = Path(path)
        self.buffer = buffer
        index = open_index(self.path)
        self.class_names = index.class_names
        self.num_classes = len(index.class_names)
        self.index = index
        self.length = sum(index.counts)

    def stream(self, *, seed: int, epoch: int, worker: int = 0, workers: int = 1) -> Iterator[Sample]:
        """The samples of one worker in one pass.

        An image that cannot be decoded raises ImageError from ``next``; the iteration can be continued after.

        Args:
            seed: the run's seed.
            epoch: the pass.
            worker: 0..workers-1.
            workers: number of workers that share the pass.

        Raises:
            DataError: a shard is missing, broken or shorter than the index states.
        """
        if not 0 <= worker < workers:
            raise ConfigError(f"worker is {worker}; expected 0..{workers - 1} ({workers} workers)")
        return Decoding(itertools.islice(self.items(seed=seed, epoch=epoch), worker, None, workers))

    def items(self, *, seed: int, epoch: int) -> Iterator[Callable[[], Sample]]:
        """The samples of one pass, each as a function that decodes it."""
        for shard, member in self._shuffled(seed, epoch):
            yield partial(self._decoded, shard, member)

    def _decoded(self, shard: str, member: Member) -> Sample:
        key = sample_key(self.path, shard, member)
        label = label_of(member, key, self.index)
        return Sample(read_image(member.data, name=key), label, key)

    def _in_order(self, seed: int, epoch: int) -> Iterator[tuple[str, Member]]:
        for at in generator(seed, "shards", epoch).permutation(len(self.index.shards)):
            yield from shard_members(self.path, self.index, int(at), read=True)

    def _shuffled(self, seed: int, epoch: int) -> Iterator[tuple[str, Member]]:
        draw = generator(seed, "shuffle", epoch)
        held: list[tuple[str, Member]] = []
        for item in self._in_order(seed, epoch):
            held.append(item)
            if len(held) >= self.buffer:
                yield _take(held, int(draw.integers(len(held))))
        while held:
            yield _take(held, int(draw.integers(len(held))))


def _take(held: list[tuple[str, Member]], at: int) -> tuple[str, Member]:
    held[at], held[-1] = held[-1], held[at]
    return held.pop()
