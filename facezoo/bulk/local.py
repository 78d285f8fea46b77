"""The parts of a job in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from facezoo.bulk.work import Make, compute
from facezoo.errors import WorkerError

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_local(make: Make, parts: Sequence[tuple[int, Any]], workers: int) -> Iterator[tuple[int, Any]]:
    """(number, result) of each part, as they end; with one worker or one part, computed in this process.

    Raises:
        WorkerError: a process died.
    """
    if workers == 1 or len(parts) < 2:
        function = make() if parts else None
        for number, part in parts:
            assert function is not None
            yield number, function(part)
        return
    context = multiprocessing.get_context("spawn")  # the threads of a framework do not survive a fork
    pool = ProcessPoolExecutor(min(workers, len(parts)), context, initializer=_start, initargs=(make,))
    try:
        with one_thread_each(), _interrupt_ignored():  # inherited by the workers: this process handles Ctrl-C
            numbers: dict[Future[Any], int] = {pool.submit(_work, part): number for number, part in parts}
        for future in as_completed(numbers):
            yield numbers.pop(future), future.result()
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process ended unexpectedly, as when memory runs out; repeat the command to continue, "
            "with fewer workers if it happens again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_make: list[Make] = []  # of this worker process


def _start(make: Make) -> None:
    _make[:] = [make]


def _work(part: Any) -> Any:
    return compute("local", lambda: _make[0], part)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit processes that start in the block to one thread each, because there is one process per core."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _interrupt_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set signal handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
