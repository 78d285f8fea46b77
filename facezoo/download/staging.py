"""A new folder that is written under a temporary name and renamed when it is complete."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facezoo.errors import DataError

MANY = 1000  # up to this many files are flushed one by one


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target``, renamed to it if the block succeeds and deleted if it fails.

    Folders that a killed process left for the same target are deleted.

    Raises:
        DataError: ``target`` exists and is not empty, another process writes it, or it cannot be written.
    """
    import filelock

    _require_new(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(str(target.with_name(f".{target.name}.lock")), timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise DataError(f"{target} is being written by another process; expected a folder of its own") from error
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error})") from error
    try:
        _require_new(target)  # the process before this one may have finished it
        _delete_left_over(target)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            yield folder
            _sync_all(folder)
            umask = os.umask(0)
            os.umask(umask)
            folder.chmod(0o777 & ~umask)
            _rename(folder, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _require_new(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists already; expected a new or an empty folder")


def _delete_left_over(target: Path) -> None:
    """Delete the temporary folders of killed processes; the lock says that none of them is in use."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}\.part")  # as mkdtemp names them
    for path in target.parent.iterdir():
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def _rename(folder: Path, target: Path) -> None:
    try:
        os.rename(folder, target)
    except OSError as error:
        raise DataError(f"{target} cannot be created ({error.strerror}); expected a new or an empty folder") from error


def _sync_all(folder: Path) -> None:
    """Flush all files to disk, before the folder is renamed."""
    files = list(itertools.islice((path for path in folder.rglob("*") if path.is_file()), MANY))
    if len(files) == MANY:
        os.sync()  # one call for up to millions of files
        return
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
