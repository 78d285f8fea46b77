"""Progress of long work on a terminal: a bar with a rate and the time left, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(title: str, unit: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A bar while the block runs; yields ``tick(done=1, total=None)``. Silent when nobody watches.

    Args:
        title: what is being done.
        unit: what is counted, in the plural.
        total: how many there are, when known before; ``tick`` may tell it later.
    """
    if not sys.stderr.isatty():
        yield lambda done=1, total=None: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total, rate="")

        def tick(done: int = 1, total: int | None = None) -> None:
            speed = progress.tasks[0].speed
            rate = f"{speed:.0f} {unit}/s" if speed else ""
            progress.update(task, advance=done, total=total, rate=rate)

        yield tick
