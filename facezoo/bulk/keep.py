"""A folder of finished parts: a job that was killed continues there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from facezoo.errors import DataError, FacezooError
from facezoo.io.files import atomic_write

_JOB = "job"
_PART = re.compile(r"\d{6,}\.\w+|\..+\.part")  # a part, or one that was being written


class Keep:
    """The results of the parts of one job, each in a file that is complete or not there.

    Args:
        folder: of the files; made when needed. What it holds of another job is deleted.
        job: everything that determines the results, as plain JSON types.
        save: writes a result to a path.
        load: reads it; raises a FacezooError if the file is damaged, and the part is computed again.
        suffix: of the files.
    """

    def __init__(
        self, folder: str | Path, job: Any, save: Callable[[Path, Any], None], load: Callable[[Path], Any], suffix: str
    ) -> None:
        self.folder, self.suffix = Path(folder), suffix
        self._save, self._load = save, load
        self._key = hashlib.sha256(json.dumps(job, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Reserve the folder for this process while the block runs.

        Raises:
            DataError: another process uses it, or it holds files of something else.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                self._same_job()
                yield
        except Timeout as error:
            raise DataError(f"{self.folder}: another process is working on these parts") from error

    def _same_job(self) -> None:
        path = self.folder / _JOB
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == self._key:
            return
        found = [entry for entry in self.folder.iterdir() if entry.name not in (".lock", _JOB)]
        foreign = [entry.name for entry in found if not (path.is_file() and _PART.fullmatch(entry.name))]
        if foreign:
            raise DataError(f"{self.folder}: holds {foreign[0]}, not parts of a job; expected a folder of its own")
        for entry in found:
            entry.unlink()
        with atomic_write(path) as part:
            part.write_text(self._key, encoding="utf-8")

    def load(self, number: int) -> Any:
        """The result of a part; None if it is not there, or damaged."""
        path = self._path(number)
        if not path.is_file():
            return None
        try:
            return self._load(path)
        except FacezooError:
            return None

    def save(self, number: int, result: Any) -> None:
        """Store the result of a part; it is on disk when this returns."""
        with atomic_write(self._path(number)) as part:
            self._save(part, result)

    def remove(self) -> None:
        """Delete the folder, once the whole result is stored elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}{self.suffix}"


def save_json(path: Path, result: Any) -> None:
    """A ``save`` of :class:`Keep` for results of plain JSON types."""
    path.write_text(json.dumps(result), encoding="utf-8")


def load_json(path: Path) -> Any:
    """A ``load`` of :class:`Keep` for results of plain JSON types.

    Raises:
        DataError: the file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a kept part ({error})") from error
