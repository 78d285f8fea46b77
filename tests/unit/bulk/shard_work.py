"""Functions for worker processes: what they do to the shards of the tests beside this file."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from facezoo.bulk.ray_tasks import NAME
from facezoo.errors import UnknownNameError


def doubling():
    return double


def double(shard):
    return [2 * value for value in shard]


def naming():
    return fail


def fail(shard):
    raise UnknownNameError("detector", "mtcn", ["mtcnn"])


def dying():
    return die


def die(shard):
    os.kill(os.getpid(), signal.SIGKILL)


class KillOneWorker:
    """A context in which the first worker process of Ray that is seen at work is killed with SIGKILL.

    Attributes:
        killed: its process id, 0 before.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.killed, self._ended = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(time.monotonic() + seconds,), daemon=True)

    def __enter__(self) -> KillOneWorker:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self, until: float) -> None:
        while not self._ended.is_set() and time.monotonic() < until:
            for process in self._at_work():
                os.kill(process, signal.SIGKILL)
                self.killed = process
                return
            time.sleep(0.02)

    def _at_work(self) -> list[int]:
        """Processes of this process's own cluster that compute a part; Ray gives them the task's name as title."""
        parents, named = {}, []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes()
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if words.startswith(f"ray::{NAME}".encode()):
                named.append(int(folder.name))
        return [process for process in named if os.getpid() in _above(process, parents)]


def _above(process: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while process in parents and process not in found:
        found.add(process)
        process = parents[process]
    return found
