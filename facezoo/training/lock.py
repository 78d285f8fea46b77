"""One run per folder: a lock that the main process holds while it trains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from facezoo.errors import ConfigError

LOCK = ".lock"


@contextmanager
def lock_run(run: Path, is_main_process: bool) -> Iterator[None]:
    """Hold the folder's lock during the block; leftovers of a killed run are removed.

    Raises:
        ConfigError: another process trains in this folder.
    """
    if not is_main_process:
        yield
        return
    run.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ConfigError(f"another process trains in {str(run)!r}; give another --out, or stop it first") from None
    try:
        for leftover in [*run.glob(".*.part"), *(run / "checkpoints").glob(".*.part")]:
            _remove(leftover)
        yield
    finally:
        lock.release()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
