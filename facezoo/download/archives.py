"""Unpacking untrusted archives: inside their folder, without links, bounded, all or nothing."""

from __future__ import annotations

import itertools
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from facezoo.download.bounds import BROKEN_STREAM, Bounded, Limits, Room, decompressed, member_path
from facezoo.download.staging import staged_folder
from facezoo.errors import DataError, UnsafeFileError
from facezoo.io.progress import OnProgress, ignore_progress

BLOCK = 512  # a tar header
PIECE = 1 << 18
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)

T = TypeVar("T")
Rename = Callable[[str], "str | None"]


def extract(
    archive: str | Path,
    target: str | Path,
    *,
    limits: Limits | None = None,
    rename: Rename | None = None,
    on_progress: OnProgress = ignore_progress,
    check: Callable[[Path], None] | None = None,
) -> int:
    """Unpack a tar (plain, gz, bz2, xz) or zip file into the new folder ``target``.

    The kind is recognised by the first bytes, never by the name. Everything is written to a temporary folder beside
    ``target`` that is renamed after the last member; after a failure ``target`` does not exist.
    Owners, modes and times of members are ignored.

    Args:
        archive: the file.
        target: must not exist, or be an empty folder.
        limits: the most that is unpacked.
        rename: maps a member's path to its path below ``target``, or to None to skip it.
        on_progress: called with the number of files written so far.
        check: called with the complete folder before it is renamed; if it raises, nothing is kept.

    Returns:
        The number of files written.

    Raises:
        UnsafeFileError: a path that leaves the folder, a link, a device, two members of one name, an archive bomb.
        DataError: it is not an archive, or broken or truncated.
    """
    archive, target = Path(archive), Path(target)
    limits = limits or Limits()
    with staged_folder(target) as folder:
        room = Room(limits, archive.stat().st_size, shutil.disk_usage(folder).free)
        members = _zip_members if _is_zip(archive) else _tar_members
        try:
            count = 0
            for name, content in members(archive, limits):
                place = _place(folder, name, rename)
                room.one_more_file()
                if place is not None:
                    _write(content, place, room)
                    count += 1
                    on_progress(count)
        except BROKEN as error:
            raise DataError(f"{archive} is broken or truncated: {error or type(error).__name__}") from error
        except UnsafeFileError as error:
            raise UnsafeFileError(f"{archive}: {error}") from error
        if check is not None:
            check(folder)
    return count


def member_names(archive: str | Path, first: int = 200) -> list[str]:
    """The paths of the first members, with the checks of :func:`extract`."""
    archive = Path(archive)
    members = _zip_members if _is_zip(archive) else _tar_members
    try:
        return [member_path(name) for name, _ in itertools.islice(members(archive, Limits()), first)]
    except BROKEN as error:
        raise DataError(f"{archive} is broken, truncated or not an archive: {error}") from error


def _place(folder: Path, name: str, rename: Rename | None) -> Path | None:
    relative: str | None = member_path(name)
    if rename is not None and relative is not None:
        relative = rename(relative)
    return None if relative is None else folder / member_path(relative)


def _write(content: IO[bytes], place: Path, room: Room) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as file:
            while piece := _piece(content):
                room.take(len(piece))
                file.write(piece)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UnsafeFileError(f"two members have the name {place.name!r}") from error


def _piece(content: IO[bytes]) -> bytes:
    try:
        return content.read(PIECE)
    except BROKEN_STREAM as error:  # errors of the target's disk are not converted
        raise EOFError(str(error)) from error


def _tar_members(archive: Path, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    with open(archive, "rb") as raw, decompressed(raw) as stream:
        bounded = Bounded(stream, limits, archive.stat().st_size)
        with _header(lambda: tarfile.open(fileobj=bounded, mode="r:")) as tar:
            while (member := _header(tar.next)) is not None:
                if member.isdir():
                    member_path(member.name)
                else:
                    yield member.name, _tar_content(tar, member)
                tar.members.clear()  # type: ignore[attr-defined]  # else the headers of millions of members stay in memory
        # tarfile also ends at a broken or a missing header
        if bounded.last != bytes(BLOCK):
            raise EOFError("the end-of-archive block is missing")


def _header(read: Callable[[], T]) -> T:
    """The result of ``read``; tarfile raises errors of several types for invalid numbers in a header."""
    try:
        return read()
    except (ArithmeticError, LookupError, ValueError) as error:
        raise tarfile.ReadError(str(error)) from error


def _tar_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    if member.issym() or member.islnk():
        raise UnsafeFileError(f"{member.name!r} is a link to {member.linkname!r}; links are refused")
    if not member.isreg() or member.issparse():
        raise UnsafeFileError(f"{member.name!r} is not a regular file (type {member.type!r})")
    content = tar.extractfile(member)
    assert content is not None  # a regular file has content
    return content


def _is_zip(archive: Path) -> bool:
    """By the first bytes, because a tar whose last member is a zip also ends like a zip."""
    with open(archive, "rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _zip_members(archive: Path, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    with _of_zip(zipfile.ZipFile, archive) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UnsafeFileError(f"{info.filename!r} is a link or a device; expected only regular files")
            if info.flag_bits & 1:
                raise DataError(f"{archive}: {info.filename!r} is encrypted; unpack it by hand")
            if info.orig_filename.endswith("/"):
                member_path(info.orig_filename)
                continue
            with _of_zip(packed.open, info) as content:
                yield info.orig_filename, content


def _of_zip(step: Callable[[Any], Any], argument: object) -> Any:
    """The result of ``step``; errors of zipfile for a damaged directory become BadZipFile."""
    try:
        return step(argument)
    except (*BROKEN_STREAM, struct.error, RuntimeError) as error:
        raise zipfile.BadZipFile(str(error)) from error
