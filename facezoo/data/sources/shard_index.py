"""The ``index.json`` of a folder of tar shards, the same for shards without one, and random access to their samples."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.tar_members import Member, members
from facezoo.errors import DataError, ImageError

logger = logging.getLogger(__name__)

INDEX = "index.json"


class ShardIndex(NamedTuple):
    """The content of ``index.json``, or what was found in shards that have none.

    Attributes:
        class_names: C names.
        shards: the file name of each shard.
        counts: number of samples of each shard.
        labels: the label 0..C-1 of each number or name in the samples.
    """

    class_names: list[str]
    shards: list[str]
    counts: list[int]
    labels: dict[str, int]


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


def open_index(folder: Path) -> ShardIndex:
    """Read and check ``index.json``; without one, as webdataset's own writer leaves a folder, read the shards' labels.

    Raises:
        DataError: the index is not valid, the name of a shard is not a plain file name, or a shard without index is
            broken or holds no label.
        UnsafeFileError: a shard holds a link, a device, or a name that leads out of the folder.
    """
    path = folder / INDEX
    if not path.exists():
        return _scan(folder)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if "class_names" not in table and "shardlist" in table:  # webdataset's own index, which names no classes
            return _scan(folder)
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
    return ShardIndex(names, shards, counts, {str(label): label for label in range(len(names))})


def _scan(folder: Path) -> ShardIndex:
    """Count the samples of all ``.tar`` files and collect their labels; no image is read."""
    shards = sorted(path.name for path in folder.glob("*.tar") if not path.name.startswith("."))
    if not shards:
        raise DataError(f"{folder}: no .tar files; expected shards, with {INDEX} or without")
    logger.info(
        "%s: no %s with class names; the labels of %d shards are read first "
        "(facezoo datasets pack --format shards writes shards with an index)", folder, INDEX, len(shards),
    )  # fmt: skip
    counts, found = [0] * len(shards), set()
    for at, name in enumerate(shards):
        for member in members(folder / name, read=False):
            counts[at] += 1
            found.add(member.label)
    found.discard(None)
    names = sorted(filter(None, found))
    if not names:
        raise DataError(
            f"{folder}: none of {sum(counts)} samples in {len(shards)} shards has a label; expected a .cls member with "
            'a number or a name, or a .json member with "label", "cls", "class" or "identity"'
        )
    if all(name.isascii() and name.isdigit() for name in names):
        names.sort(key=lambda name: (len(name), name))
    return ShardIndex(names, shards, counts, {name: label for label, name in enumerate(names)})


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


def label_of(member: Member, key: str, index: ShardIndex) -> int:
    """The label 0..C-1 of a sample.

    Raises:
        ImageError: it has no image, or no label that the index knows.
    """
    if member.offset < 0:
        raise ImageError(f"{key}: the sample has no image")
    label = index.labels.get(member.label or "")
    if label is None:
        found = f"its .cls is {member.label[:80]}" if member.label else "it has no label in a .cls or .json member"
        raise ImageError(f"{key}: {found}; expected {_expected(index)}")
    return label


def _expected(index: ShardIndex) -> str:
    last = len(index.class_names) - 1
    return f"a label 0..{last}" if index.labels.get(str(last)) == last else f"one of {last + 1} names"


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
        index = open_index(self.path)
        self.class_names = index.class_names
        self.broken: list[tuple[str, str]] = []
        self._places: list[tuple[str, Member]] = []
        labels: list[int] = []
        for at in range(len(index.shards)):
            for shard, member in shard_members(self.path, index, at, read=False):
                try:
                    labels.append(label_of(member, sample_key(self.path, shard, member), index))
                    self._places.append((shard, member))
                except ImageError as error:
                    self.broken.append((sample_key(self.path, shard, member), str(error)))
        self.labels = np.array(labels, np.int64)

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
