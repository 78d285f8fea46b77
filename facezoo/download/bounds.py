"""Limits of an untrusted archive: names, sizes, counts, ratios."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, cast

from facezoo.errors import UnsafeFileError

RATIO_FROM = 64 << 20  # bytes unpacked from which the ratio is checked; less does no harm
HEADER = 1 << 20  # bytes of the longest extended header that is read
RESERVE = 64 << 20
BROKEN_STREAM = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)  # raised by gzip, bz2 and xz


@dataclass(frozen=True)
class Limits:
    """The most that is unpacked.

    Attributes:
        total: bytes of all files.
        files: number of members.
        ratio: unpacked to packed bytes, checked above 64 MiB unpacked; encoded images hardly compress further.
    """

    total: int = 4 << 40
    files: int = 50_000_000
    ratio: float = 100.0


class Room:
    """Counts files and bytes written, and raises when they exceed the limits.

    Args:
        limits: the limits.
        packed: size of the archive.
        free: free bytes on the disk.
    """

    def __init__(self, limits: Limits, packed: int, free: int) -> None:
        self._limits, self._packed, self._free = limits, max(packed, 1), free - RESERVE
        self._bytes = self._files = 0

    def one_more_file(self) -> None:
        """Count a member."""
        self._files += 1
        if self._files > self._limits.files:
            raise UnsafeFileError(f"more than {self._limits.files} files")

    def take(self, count: int) -> None:
        """Count ``count`` more bytes before they are written."""
        self._bytes += count
        if self._bytes > self._limits.total:
            raise UnsafeFileError(f"more than {self._limits.total} bytes unpacked")
        _check_ratio(self._bytes, self._packed, self._limits)
        if self._bytes > self._free:
            raise UnsafeFileError(f"needs more than the {max(self._free, 0)} free bytes on the disk")


def _check_ratio(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > RATIO_FROM and unpacked > limits.ratio * packed:
        raise UnsafeFileError(f"an archive bomb: {unpacked} bytes out of {packed}; allowed {limits.ratio:g} to 1")


class Bounded(io.RawIOBase):
    """The decompressed stream, with limits, for tarfile.

    tarfile reads an extended header of any stated length in one call, and skips members by seeking; both are limited
    here.
    """

    def __init__(self, stream: IO[bytes], limits: Limits, packed: int) -> None:
        self._stream, self._limits, self._packed = stream, limits, max(packed, 1)
        self.last = b""

    def read(self, size: int | None = -1) -> bytes:
        """Read at most ``HEADER`` bytes."""
        if size is None or not 0 <= size <= HEADER:
            raise UnsafeFileError(f"a header has {size} bytes; expected at most {HEADER}")
        try:
            data = self._stream.read(size)
        except BROKEN_STREAM as error:
            raise EOFError(str(error)) from error
        if size == 512:
            self.last = data
        _check_ratio(self._stream.tell(), self._packed, self._limits)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move forward by decompressing; move back only to where tarfile was just before."""
        here = self._stream.tell()
        while here < offset:  # in steps, so that the ratio of skipped data is checked too
            try:
                self._stream.seek(min(offset, here + (16 << 20)))
            except BROKEN_STREAM as error:
                raise EOFError(str(error)) from error
            _check_ratio(self._stream.tell(), self._packed, self._limits)
            if self._stream.tell() == here:
                break  # the end of the stream
            here = self._stream.tell()
        return self._stream.seek(offset) if self._stream.tell() > offset else self._stream.tell()

    def tell(self) -> int:
        """Position in the decompressed stream."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """True: tarfile skips by seeking."""
        return True

    def readable(self) -> bool:
        """True."""
        return True


def decompressed(raw: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The decompressed stream of ``raw``, chosen by its first bytes: gzip, bzip2, xz, or the file itself."""
    head = raw.read(6)
    raw.seek(0)
    opened: Any = raw
    if head.startswith(b"\x1f\x8b"):
        opened = gzip.GzipFile(fileobj=raw)
    elif head.startswith(b"BZh"):
        opened = bz2.BZ2File(raw)
    elif head.startswith(b"\xfd7zXZ\x00"):
        opened = lzma.LZMAFile(raw)  # noqa: SIM115 - the caller closes it
    return cast("AbstractContextManager[IO[bytes]]", opened)


def member_path(name: str) -> str:
    """A member's path, checked to be relative, with forward slashes, and to stay below the folder.

    >>> member_path("./a//b.jpg")
    'a/b.jpg'

    Raises:
        UnsafeFileError: it is absolute, has a drive, a backslash, "..", a NUL, or is empty.
    """
    parts = PurePosixPath(name).parts
    escapes = not name or name.startswith("/") or "\\" in name or "\0" in name or ".." in parts
    if (
        escapes
        or (len(name) > 1 and name[1] == ":")
        or any(len(part.encode("utf-8", "replace")) > 255 for part in parts)
    ):
        raise UnsafeFileError(f"the path {name!r} leaves its folder")
    return "/".join(parts) or "."
