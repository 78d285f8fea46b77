"""What a tracker is told: the numbers of a run, by name and step."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json

IDS = "tracker_ids.json"


@dataclass(frozen=True)
class TrackedRun:
    """The run that is shown.

    Attributes:
        folder: of the whole run; a tracker keeps its files below it.
        name: of the run.
        last_step: the last step of the run's log; 0 for a run that begins.
        settings: dotted key -> value of the configuration, as text.
    """

    folder: Path
    name: str
    last_step: int
    settings: Mapping[str, str]

    def stored_id(self, tracker: str) -> str | None:
        """The identifier under which a tracker has recorded the run before; None if it has not."""
        found = self._ids().get(tracker)
        return found if isinstance(found, str) else None

    def store_id(self, tracker: str, identifier: str) -> None:
        """Keep the identifier, so that a resumed run continues the same record."""
        with atomic_write(self.folder / IDS) as part:
            part.write_text(json.dumps({**self._ids(), tracker: identifier}) + "\n", encoding="utf-8")

    def _ids(self) -> dict[str, Any]:
        path = self.folder / IDS
        try:
            found = parse_json(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Tracker(ABC):
    """One record of a run in the form of another program.

    Attributes:
        new: whether the record holds nothing of the run yet; it is then given the steps that were logged before.
    """

    new: bool

    @abstractmethod
    def __init__(self, run: TrackedRun) -> None:
        """Begin the record, or continue that of an earlier session after step ``run.last_step``."""

    @abstractmethod
    def write(self, step: int, time: float, values: Mapping[str, float]) -> None:
        """Add numbers.

        Args:
            step: steps finished; it never falls.
            time: seconds since 1970.
            values: name -> number; names of a validation begin with ``validation/SET/``.
        """

    @abstractmethod
    def close(self) -> None:
        """End the session; a later one may continue."""


def numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a record of the log, by the names that trackers show.

    >>> numbers({"step": 3, "time": 1.5, "loss": 2.0})
    {'loss': 2.0}
    >>> numbers({"step": 3, "time": 1.5, "validation": "lfw", "accuracy": 0.9})
    {'validation/lfw/accuracy': 0.9}
    """
    prefix = f"validation/{record['validation']}/" if "validation" in record else ""
    return {
        f"{prefix}{name}": float(value)
        for name, value in record.items()
        if name not in ("step", "time") and isinstance(value, int | float) and not isinstance(value, bool)
    }
