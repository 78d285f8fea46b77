"""The sessions of a run: where and with which versions it was started and continued."""

from __future__ import annotations

import json
import logging
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import facezoo
from facezoo import backends
from facezoo.io.json_text import parse_json
from facezoo.io.machine import machine, versions
from facezoo.training.config import RunConfig

logger = logging.getLogger(__name__)

FILE = "sessions.jsonl"
PACKAGES = ("numpy", "pillow", "torch", "paddlepaddle", "paddlepaddle-gpu")


@dataclass(frozen=True)
class Session:
    """One start of a run.

    Attributes:
        step: steps finished before.
        time: of the start, seconds since 1970.
        backend: of this session.
        processes: that trained together.
        machine: system, processor, cores, memory, GPUs.
        versions: package -> version.
    """

    step: int
    time: float
    backend: str
    processes: int
    machine: dict[str, str]
    versions: dict[str, str]


def add_session(run: Path, config: RunConfig, step: int, processes: int) -> None:
    """Append a session to the run's file. A failure is logged only: the run is worth more than this record."""
    here = machine()
    gpus = [] if config.device == "cpu" else backends.module(config.backend, "device").list_gpus()
    if gpus:
        here["GPUs"] = ", ".join(gpus)
    found = {"facezoo": facezoo.__version__, "python": platform.python_version(), **versions(PACKAGES)}
    session = Session(step, round(time.time(), 3), config.backend, processes, here, found)
    try:
        with (run / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(vars(session)) + "\n")
    except OSError as error:
        logger.warning("the session cannot be recorded: %s", error)


def read_sessions(run: Path) -> list[Session]:
    """The sessions of a run, oldest first; lines that cannot be read are left out."""
    try:
        lines = (run / FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [session for line in lines if (session := _parsed(line)) is not None]


def _parsed(line: str) -> Session | None:
    try:
        return Session(**parse_json(line))
    except (TypeError, ValueError):
        return None


def training_seconds(sessions: list[Session], records: list[dict[str, Any]]) -> float | None:
    """Seconds from each session's start to its last record, so that pauses between sessions do not count.

    Args:
        sessions: oldest first; without any, the time from the first to the last record counts.
        records: of the log, with ``time``.
    """
    times = sorted(record["time"] for record in records if isinstance(record.get("time"), (int, float)))
    if not times:
        return None
    starts = [session.time for session in sessions] or [times[0]]
    total = 0.0
    for begin, end in zip(starts, [*starts[1:], float("inf")], strict=True):
        within = [moment for moment in times if begin <= moment < end]
        total += within[-1] - begin if within else 0.0
    return total
