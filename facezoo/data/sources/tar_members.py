"""The samples of a tar shard in webdataset layout, read in order; nothing is extracted."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from facezoo.data.image import IMAGE_SUFFIXES, MAX_BYTES
from facezoo.errors import DataError, UnsafeFileError

_LABEL_BYTES = {"cls": 1024, "json": 1 << 16}  # larger members are not read
_LABEL_KEYS = ("label", "cls", "class", "identity")  # of a .json member, the first that it has


class Member(NamedTuple):
    """One sample of a shard: the place of its image, and its label.

    Attributes:
        key: its name in the shard, without the suffix.
        label: the identity's number or name, from its ``.cls``, or from "label", "cls", "class" or "identity" of its
            ``.json``; None if that is missing or neither a whole number nor a text. Numbers are without leading zeros.
        offset: of the image's bytes in the tar file; -1 if the sample has no image.
        size: number of these bytes.
        data: the bytes, if they were read.
    """

    key: str
    label: str | None
    offset: int
    size: int
    data: bytes


def members(path: Path, *, read: bool) -> Iterator[Member]:
    """The samples of one shard: consecutive members whose names are equal up to the first dot.

    Args:
        path: an uncompressed tar file.
        read: whether to read the images' bytes or only find them.

    Raises:
        DataError: the file is missing, not a tar file, or cut off.
        UnsafeFileError: it holds a link, a device, a sparse file, or a name that leads out of the folder.
    """
    key, image = "", (-1, 0, b"")
    label: str | None = None
    for raw, info, name, ending in _files(path):
        if name != key:
            if key:
                yield Member(key, label, *image)
            key, label, image = name, None, (-1, 0, b"")
        if f".{ending}" in IMAGE_SUFFIXES:
            data = _read(raw, info, path) if read else b""
            image = (info.offset_data, info.size, data)
        elif ending == "cls" or (ending == "json" and label is None):
            label = _label(_read(raw, info, path), ending) if info.size <= _LABEL_BYTES[ending] else None
    if key:
        yield Member(key, label, *image)


class _Bounded:
    """Reads no more bytes than the file has: sizes in tar headers may be wrong."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._size = raw.seek(0, 2)
        raw.seek(0)
        self.seek, self.tell = raw.seek, raw.tell

    def read(self, count: int) -> bytes:
        return self._raw.read(min(count, max(0, self._size - self._raw.tell())))


def _files(path: Path) -> Iterator[tuple[BinaryIO, tarfile.TarInfo, str, str]]:
    """The regular files of a tar: the open file, the entry, the sample's key, the suffix in lower case."""
    try:
        with (
            open(path, "rb") as raw,
            tarfile.open(fileobj=cast(BinaryIO, _Bounded(raw)), mode="r:") as opened,
        ):
            archive: Any = opened
            while (info := archive.next()) is not None:
                archive.members = []  # otherwise it keeps every entry of a large shard
                if not info.isdir():
                    _check(info, path)
                    folder, _, base = info.name.rpartition("/")
                    stem, _, ending = base.partition(".")
                    yield raw, info, f"{folder}/{stem}" if folder else stem, ending.lower()
    except (DataError, UnsafeFileError):
        raise
    except Exception as error:  # tarfile raises many kinds of exception for broken headers
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path}: not a readable tar file ({reason})") from error


def _check(info: tarfile.TarInfo, path: Path) -> None:
    name = info.name
    if not info.isreg() or info.sparse is not None:
        raise UnsafeFileError(f"{path}: member {name[:80]!r} is a link, a device or a sparse file")
    if name.startswith(("/", "\\")) or ":" in name[:2] or "\0" in name or ".." in name.replace("\\", "/").split("/"):
        raise UnsafeFileError(f"{path}: member name {name[:80]!r} leads out of the folder")
    if info.size > MAX_BYTES:
        raise DataError(f"{path}: member {name[:80]!r} of {info.size} bytes is above the limit of {MAX_BYTES}")


def _read(raw: BinaryIO, info: tarfile.TarInfo, path: Path) -> bytes:
    back = raw.tell()
    raw.seek(info.offset_data)
    available = raw.seek(0, 2) - info.offset_data
    if available < info.size:
        raise DataError(f"{path}: cut off within member {info.name[:80]!r} ({available} of {info.size} bytes)")
    raw.seek(info.offset_data)
    data = raw.read(info.size)
    raw.seek(back)
    return data


def _label(data: bytes, ending: str) -> str | None:
    try:
        value: Any = data.decode("utf-8").strip()
        if ending == "json":
            table = json.loads(value)
            value = next((table[key] for key in _LABEL_KEYS if key in table), None) if isinstance(table, dict) else None
            value = str(value) if type(value) in (int, str) else ""
    except (ValueError, RecursionError):  # also text that is not UTF-8
        return None
    return (value.lstrip("0") or "0" if value.isascii() and value.isdigit() else value) or None
