"""Signals that ask a run to stop: recorded when they arrive, handled between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a job scheduler, a closed terminal


class StopRequest:
    """Whether a signal has asked the run to stop.

    Attributes:
        signal: the name of the last one, or None.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    def __call__(self) -> bool:
        """True once a signal has come."""
        return self.signal is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Record the signals of ``SIGNALS`` while the block runs, so that none of them interrupts a step or a checkpoint.

    Outside the main thread nothing is installed, since Python handles signals in the main thread only.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def record(number: int, frame: Any) -> None:
        request.signal = signal.Signals(number).name

    before = {}
    for name in SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP on purpose
            before[number] = signal.signal(number, record)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
