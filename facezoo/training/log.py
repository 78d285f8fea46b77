"""The log of a run: JSON lines, and the trackers that show the same records."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json
from facezoo.training.trackers.group import Trackers

logger = logging.getLogger(__name__)


class RunLog:
    """Appends records to ``log.jsonl`` of a run's folder.

    Args:
        folder: the run's.
        resumed_at: steps done when the run continues; later records of the log are dropped.
        trackers: names of those that get the same records, see :mod:`facezoo.training.trackers`.
        first_step: steps of the stages before this one; they are added to the steps that are written.
        stage: name of the stage, which each record then states.
    """

    def __init__(
        self, folder: Path, resumed_at: int = 0, *, trackers: Sequence[str] = (), first_step: int = 0, stage: str = ""
    ) -> None:
        self.path = folder / "log.jsonl"
        self._first_step, self._stage = first_step, {"stage": stage} if stage else {}
        kept = [line for line in read_log(folder) if line["step"] <= resumed_at + first_step]
        with atomic_write(self.path) as part:
            part.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._file = self.path.open("a", encoding="utf-8")
        self._failed = False
        self._trackers = Trackers(trackers, folder, kept)

    def write(self, step: int, **values: Any) -> None:
        """Add one record; ``step`` counts finished steps."""
        record = {"step": step + self._first_step, "time": round(time.time(), 3), **self._stage, **values}
        try:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
        except OSError as error:  # a full disk: the run is worth more than its log
            if not self._failed:
                logger.warning("the log can no longer be written: %s", error)
            self._failed = True
        self._trackers.write(record)

    def close(self) -> None:
        """Close the log after syncing it to disk."""
        with contextlib.suppress(OSError):
            self._file.flush()
            os.fsync(self._file.fileno())
        with contextlib.suppress(OSError):
            self._file.close()
        self._trackers.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run; an incomplete last line, left by a crash, is skipped."""
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(parse_json(line))
        except ValueError:
            break
    return records
