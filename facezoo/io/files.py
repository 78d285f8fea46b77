"""Writing files so that a failure leaves the previous one in place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: what a killed process left is not deleted there
    fcntl = None  # type: ignore[assignment]

ABANDONED = 60.0  # seconds after which a temporary path that no process locks is deleted


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def temporary_beside(path: str | Path, *, folder: bool = False) -> Iterator[Path]:
    """A temporary file or folder beside ``path``, named ``.NAME.XXXXXXXX.part``; deleted when the block ends.

    The process locks it, so that the next one that writes ``path`` can delete what a killed process left.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(path)
    names: dict[str, Any] = {"prefix": f".{path.name}.", "suffix": ".part", "dir": path.parent}
    if folder:
        part = Path(tempfile.mkdtemp(**names))
        handle = os.open(part, os.O_RDONLY)
    else:
        handle, name = tempfile.mkstemp(**names)
        part = Path(name)
    try:
        _lock(handle)
        yield part
    finally:
        os.close(handle)
        if folder:
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``; renamed to ``path`` if the block succeeds, else deleted.

    Example::

        with atomic_write("table.json") as part:
            part.write_text("{}")
    """
    with temporary_beside(path) as part:
        yield part
        _sync(part)
        part.chmod(0o666 & ~_umask())  # mkstemp creates it readable by the user only
        os.replace(part, path)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Like :func:`atomic_write`, for a folder, which must not exist yet."""
    with temporary_beside(path, folder=True) as part:
        yield part
        publish_folder(part, Path(path))


def publish_folder(part: Path, path: Path) -> None:
    """Give a finished temporary folder its name, once its files are on the disk; ``path`` must not exist yet."""
    for file in part.rglob("*"):
        _sync(file)
    part.chmod(0o777 & ~_umask())
    os.rename(part, path)
    _sync(path.parent)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _lock(handle: int) -> bool:
    """Lock an open file or folder until it is closed; False if another process has locked it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, or a file system without locks
        return False
    return True


def _delete_abandoned(path: Path) -> None:
    """Delete temporary files and folders for ``path`` that no living process locks."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.part")  # as tempfile names them
    with os.scandir(path.parent) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(".") and name.fullmatch(entry.name)]
    for part in found:
        with contextlib.suppress(OSError):
            if time.time() - part.lstat().st_mtime < ABANDONED or part.is_symlink():
                continue  # it may have been made a moment ago and not be locked yet
            handle = os.open(part, os.O_RDONLY)
            try:
                if not _lock(handle):
                    continue
                if part.is_dir():
                    shutil.rmtree(part, ignore_errors=True)
                else:
                    part.unlink()
            finally:
                os.close(handle)


def file_hash(path: str | Path, algorithm: str = "sha256") -> str:
    """Hash of a file as hexadecimal digits, by an algorithm of :mod:`hashlib`; the file is read in pieces."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as handle:
        while piece := handle.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
