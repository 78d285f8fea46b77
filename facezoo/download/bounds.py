"""How far an archive from outside may go: names, sizes, counts, ratios."""

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

RATIO_FROM = 64 << 20  # below this size a high ratio harms nobody
HEADER = 1 << 20  # the longest extended header that is read
RESERVE = 64 << 20
BROKEN_STREAM = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)  # what gzip, bz2 and xz raise


@dataclass(frozen=True)
class Limits:
    """What is unpacked at most.

    Attributes:
        total: bytes of all files together.
        files: members.
        ratio: unpacked to packed bytes, past 64 MiB. Images do not shrink, so that 100 is generous.
    """

    total: int = 4 << 40
    files: int = 50_000_000
    ratio: float = 100.0


class Room:
    """Counts what has been written and refuses what is past the limits.

    Args:
        limits: the limits.
        packed: size of the archive.
        free: bytes free on the disk.
    """

    def __init__(self, limits: Limits, packed: int, free: int) -> None:
        self._limits, self._packed, self._free = limits, max(packed, 1), free - RESERVE
        self._bytes = self._files = 0

    def one_more_file(self) -> None:
        """A member begins."""
        self._files += 1
        if self._files > self._limits.files:
            raise UnsafeFileError(f"more than {self._limits.files} files")

    def take(self, count: int) -> None:
        """``count`` bytes more are to be written."""
        self._bytes += count
        if self._bytes > self._limits.total:
            raise UnsafeFileError(f"more than {self._limits.total} bytes unpacked")
        _check_ratio(self._bytes, self._packed, self._limits)
        if self._bytes > self._free:
            raise UnsafeFileError(f"needs more than the {max(self._free, 0)} bytes free on the disk")


def _check_ratio(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > RATIO_FROM and unpacked > limits.ratio * packed:
        raise UnsafeFileError(f"a bomb: {unpacked} bytes out of {packed}, past {limits.ratio:g} to 1")


class Bounded(io.RawIOBase):
    """The decompressed stream as tarfile sees it.

    tarfile reads an extended header in one call, however long it says it is, and skips over what it is not
    asked for; both stay inside the limits here.
    """

    def __init__(self, stream: IO[bytes], limits: Limits, packed: int) -> None:
        self._stream, self._limits, self._packed = stream, limits, max(packed, 1)
        self.last = b""

    def read(self, size: int | None = -1) -> bytes:
        """At most a header or a piece."""
        if size is None or not 0 <= size <= HEADER:
            raise UnsafeFileError(f"a header of {size} bytes")
        try:
            data = self._stream.read(size)
        except BROKEN_STREAM as error:
            raise EOFError(str(error)) from error
        if size == 512:
            self.last = data
        _check_ratio(self._stream.tell(), self._packed, self._limits)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Forward, decompressing on the way; back only to where tarfile has just been."""
        here = self._stream.tell()
        while here < offset:  # in steps, so that a bomb that is skipped over is still seen
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
    """The stream inside ``raw``, by its first bytes: gzip, bzip2, xz, or the file itself."""
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
    """A member's path, checked: relative, forward slashes, staying below the folder.

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
        raise UnsafeFileError(f"the path {name!r} does not stay in its folder")
    return "/".join(parts) or "."
