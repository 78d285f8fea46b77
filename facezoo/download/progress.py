"""A progress bar with rate and time left, on standard error, so that tables and JSON stay clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from facezoo.download.transfer import Meter


class _Bar:
    """Starts to draw with the first byte, so that nothing is drawn for what is there already."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._drawn: Any = None
        self._task: Any = None

    def at(self, done: int, total: int | None) -> None:
        if self._drawn is None:
            self._drawn = _progress()
            self._drawn.start()
            self._task = self._drawn.add_task(self._name, total=total)
        self._drawn.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()


def _progress() -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def bar(name: str, *, quiet: bool = False) -> Iterator[Meter | None]:
    """A meter that draws; None when ``quiet``. On a pipe only the last state is printed."""
    if quiet:
        yield None
        return
    drawn = _Bar(name)
    try:
        yield drawn
    finally:
        drawn.stop()


@contextmanager
def counter(name: str, unit: str, *, quiet: bool = False) -> Iterator[Callable[[int], None] | None]:
    """A running count with its rate, for work whose end is not known; None when ``quiet``."""
    if quiet:
        yield None
        return
    from rich import progress
    from rich.console import Console

    class Rate(progress.ProgressColumn):
        def render(self, task: progress.Task) -> str:
            return f"{task.speed or 0:.0f} {unit}/s"

    columns = (
        progress.TextColumn("{task.description}"),
        progress.TextColumn(f"{{task.completed:.0f}} {unit}"),
        Rate(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as drawn:
        task = drawn.add_task(name, total=None)
        yield lambda done: drawn.update(task, completed=done)
