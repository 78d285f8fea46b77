"""Progress of long work: one callback type, and one progress bar that implements it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from facezoo.io.printable import printable

FIRST, EVERY = 2.0, 10.0  # seconds to the first line and between lines, where standard error is no terminal
BYTES = "bytes"


class OnProgress(Protocol):
    """Called with the number of items done so far, their total where it is known, and a short text to show."""

    def __call__(self, done: int, total: int | None = None, text: str = "", /) -> None:
        """Report the state of the work."""


def ignore_progress(done: int, total: int | None = None, text: str = "", /) -> None:
    """An :class:`OnProgress` that shows nothing."""


def part_of(on_progress: OnProgress, before: int, total: int | None, text: str) -> OnProgress:
    """An :class:`OnProgress` for one part of the work, which reports the progress of the whole.

    Args:
        on_progress: of the whole.
        before: items done before this part.
        total: items of the whole; None: those before and those of this part.
        text: shown during this part.
    """

    def report(done: int, part: int | None = None, _: str = "", /) -> None:
        on_progress(before + done, before + part if total is None and part is not None else total, text)

    return report


@contextmanager
def progress_bar(title: str, unit: str, total: int | None = None, *, quiet: bool = False) -> Iterator[OnProgress]:
    """Show progress on standard error while the block runs, so that tables and JSON on standard output stay clean.

    On a terminal it is a bar with a rate and the time left, drawn from the first call on. Elsewhere it is a line
    after ``FIRST`` seconds, then every ``EVERY`` seconds.

    Args:
        title: what is being done.
        unit: what is counted, in the plural; "bytes" is shown as kB, MB and kB/s.
        total: how many there are, when known before; the callback may give it later.
        quiet: show nothing; this is also so when the level of the logger "facezoo" is above INFO.
    """
    if quiet or logging.getLogger("facezoo").level > logging.INFO:
        yield ignore_progress
        return
    if not sys.stderr.isatty():
        yield _Lines(title, unit, total)
        return
    bar = _Bar(title, unit, total)
    try:
        yield bar
    finally:
        bar.stop()


class _Lines:
    def __init__(self, title: str, unit: str, total: int | None) -> None:
        self._title, self._unit, self._total = title, unit, total
        self._begin: tuple[float, int] | None = None
        self._next = 0.0

    def __call__(self, done: int, total: int | None = None, text: str = "", /) -> None:
        now, self._total = time.monotonic(), total or self._total
        if self._begin is None:
            self._begin, self._next = (now, done), now + FIRST
            return
        if now < self._next:
            return
        self._next = now + EVERY
        start, first = self._begin
        rate = (done - first) / max(now - start, 1e-9)
        left = f"  {_clock((self._total - done) / rate)} left" if self._total and rate > 0 else ""
        count = f"{done}/{self._total}" if self._total else f"{done}"
        words = [f"{self._title} {count}", text, f"{rate:.3g} {self._unit}/s{left}"]
        print(printable("  ".join(word for word in words if word)), file=sys.stderr)


class _Bar:
    def __init__(self, title: str, unit: str, total: int | None) -> None:
        self._title, self._unit, self._total = title, unit, total
        self._progress: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int | None = None, text: str = "", /) -> None:
        if self._progress is None:
            self._progress = self._columns()
            self._progress.start()
            self._task = self._progress.add_task(printable(self._title), total=total or self._total, text="", rate="")
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task, completed=done, total=total or self._total, text=printable(text),
            rate=f"{speed:.3g} {self._unit}/s" if speed else "",
        )  # fmt: skip

    def _columns(self) -> Any:
        from rich import progress
        from rich.console import Console

        counts: tuple[progress.ProgressColumn, ...]
        if self._unit == BYTES:
            counts = (progress.DownloadColumn(), progress.TransferSpeedColumn())
        else:
            counts = (progress.MofNCompleteColumn(), progress.TextColumn("{task.fields[rate]}", markup=False))
        return progress.Progress(
            progress.TextColumn("{task.description}", markup=False), progress.BarColumn(), *counts,
            progress.TimeRemainingColumn(), progress.TextColumn("{task.fields[text]}", markup=False),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02d}"
    )
