"""The ``index.json`` of a folder of tar shards, and random access to its samples."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.tar_members import Member, members
from facezoo.errors import DataError, ImageError

INDEX = "index.json"


class ShardIndex(NamedTuple):
    """The content of ``index.json``.

    Attributes:
        class_names: C names.
        shards: the file name of each shard.
        counts: number of samples of each shard.
    """

    class_names: list[str]
    shards: list[str]
    counts: list[int]


def shard_name(number: int) -> str:
    """The file name of a shard.

    >>> shard_name(3)
    'shard-000003.tar'
    """
    return f"shard-{number:06d}.tar"


def write_index(folder: Path, class_names: list[str], counts: list[int]) -> None:
    """Write ``index.json`` for shards named by :func:`shard_name`."""
    shards = [{"name": shard_name(number), "count": count} for number, count in enumerate(counts)]
    table = {"class_names": class_names, "count": sum(counts), "shards": shards}
    (folder / INDEX).write_text(json.dumps(table, indent=1), encoding="utf-8")


def read_index(folder: Path) -> ShardIndex:
    """Read and check ``index.json``.

    Raises:
        DataError: it is missing or not valid, or the name of a shard is not a plain file name.
    """
    path = folder / INDEX
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        names = table["class_names"]
        shards = [entry["name"] for entry in table["shards"]]
        counts = [entry["count"] for entry in table["shards"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        raise DataError(f"{path}: expected the shards' index with class_names and shards ({why})") from error
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: class_names is not a list of names")
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a name occurs twice among the {len(names)} class_names")
    for name in shards:
        if not isinstance(name, str) or Path(name).name != name or name.startswith(".") or "\0" in name:
            raise DataError(f"{path}: shard {str(name)[:80]!r} is not a plain file name")
    if not all(type(count) is int and count >= 0 for count in counts) or not sum(counts):
        raise DataError(f"{path}: the shards' counts are {str(counts)[:80]}; expected integers, not all 0")
    return ShardIndex(names, shards, counts)


def shard_members(folder: Path, index: ShardIndex, at: int, *, read: bool) -> Iterator[tuple[str, Member]]:
    """The samples of shard ``at``, each with the shard's name.

    Raises:
        DataError: the shard is missing, broken, or its number of samples differs from the index.
    """
    name, count = index.shards[at], 0
    for member in members(folder / name, read=read):
        count += 1
        yield name, member
    if count != index.counts[at]:
        raise DataError(f"{folder / name}: {count} samples; {INDEX} states {index.counts[at]}")


def sample_key(folder: Path, shard: str, member: Member) -> str:
    """The name of a sample in messages: its shard and its key."""
    return f"{folder / shard}:{member.key}"


def check_member(member: Member, key: str, classes: int) -> None:
    """Refuse a sample without an image or a valid label.

    Raises:
        ImageError: something is missing.
    """
    if member.offset < 0:
        raise ImageError(f"{key}: the sample has no image")
    if member.label is None or member.label >= classes:
        raise ImageError(f"{key}: its .cls is {member.label}; expected a label 0..{classes - 1}")


class ShardImages(EncodedSource):
    """A shard folder with random access, for converting and checking; training reads :class:`Shards`.

    Args:
        path: the folder.

    Attributes:
        broken: (key, reason) of samples without an image or a valid label, which are left out.

    Raises:
        DataError: the index or a shard is missing or broken.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        index = read_index(self.path)
        self.class_names = index.class_names
        self.broken: list[tuple[str, str]] = []
        self._places: list[tuple[str, Member]] = []
        for at in range(len(index.shards)):
            for shard, member in shard_members(self.path, index, at, read=False):
                try:
                    check_member(member, sample_key(self.path, shard, member), len(index.class_names))
                    self._places.append((shard, member))
                except ImageError as error:
                    self.broken.append((sample_key(self.path, shard, member), str(error)))
        self.labels = np.array([member.label for _, member in self._places], np.int64)

    def key(self, index: int) -> str:
        """Shard and sample."""
        return sample_key(self.path, *self._places[index])

    def encoded(self, index: int) -> bytes:
        """The image's bytes."""
        shard, member = self._places[index]
        try:
            with open(self.path / shard, "rb") as stream:
                stream.seek(member.offset)
                data = stream.read(member.size)
        except OSError as error:
            raise ImageError(f"{self.key(index)}: cannot be read ({error.strerror})") from error
        if len(data) != member.size:
            raise ImageError(f"{self.key(index)}: cut off after {len(data)} of {member.size} bytes")
        return data
