"""Runs jobs in this process or in worker processes; the answers come in the order of the jobs.

Workers are spawned, because a fork of a process in which a framework has started threads may hang. Pixels come back
through shared memory, everything else through a pipe.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from facezoo.data.loading.cache import as_array, shared_bytes
from facezoo.data.loading.prepare import IndexJob, Prepared, Preparer, StreamJob
from facezoo.errors import ConfigError, DataError, FacezooError, WorkerError

Job = IndexJob | StreamJob
Answer = tuple[np.ndarray, Prepared]


class Runner(ABC):
    """Runs jobs. Each comes with the number of its owner; jobs of one owner run in order in one process."""

    @abstractmethod
    def map(self, jobs: Iterator[tuple[int, Job]]) -> Generator[Answer, None, None]:
        """Images uint8 (count, H, W, 3), which the caller may keep, and the rest of the answer, in order."""

    @abstractmethod
    def close(self) -> None:
        """Stop; safe to call again."""


class InProcess(Runner):
    """No worker processes.

    Args:
        preparer: runs a job.
        rows: images of the largest job.
    """

    def __init__(self, preparer: Preparer, rows: int) -> None:
        self.preparer, self.rows = preparer, rows

    def map(self, jobs: Iterator[tuple[int, Job]]) -> Generator[Answer, None, None]:
        """One job after the other, each on demand."""
        for _, job in jobs:
            out = np.empty((self.rows, *self.preparer.size, 3), dtype=np.uint8)
            answer = self.preparer.run(job, out)
            yield out[: answer.count], answer

    def close(self) -> None:
        """Nothing to stop."""


class WorkerPool(Runner):
    """Processes that prepare images ahead.

    Args:
        preparer: is sent to each process.
        rows: images of the largest job.
        workers: processes, 1 or more.
        prefetch: jobs queued per worker, 1 or more; limits the memory.

    Raises:
        ConfigError: the source cannot be sent to another process.
    """

    def __init__(self, preparer: Preparer, rows: int, *, workers: int, prefetch: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.depth = workers * prefetch
        shape = (self.depth, rows, *preparer.size, 3)
        memory = shared_bytes(int(np.prod(shape)))
        self.slots = as_array(memory, shape)
        self.pipes: list[Connection] = []
        self.processes: list[Any] = []
        self._close = weakref.finalize(self, _shut_down, self.processes, self.pipes)
        for number in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve,
                args=(theirs, preparer, memory, shape),
                name=f"facezoo-data-{number}",
                daemon=True,
            )
            self.pipes.append(ours)
            try:
                with _ctrl_c_held():
                    process.start()
            except (TypeError, AttributeError, ValueError, RuntimeError, OSError) as error:
                self.close()
                kind = type(preparer.source).__name__
                raise ConfigError(
                    f"cannot start data worker {number} for a {kind}: {error}; workers=0 needs none"
                ) from error
            finally:
                theirs.close()  # so that the pipe closes when the worker ends
            self.processes.append(process)

    def map(self, jobs: Iterator[tuple[int, Job]]) -> Generator[Answer, None, None]:
        """Keeps up to workers x prefetch jobs queued."""
        free, pending = list(range(self.depth)), deque[tuple[int, int]]()
        try:
            more = True
            while more or pending:
                while more and free:
                    asked = next(jobs, None)
                    if asked is None:
                        more = False
                    else:
                        slot = free.pop()
                        pending.append((asked[0] % len(self.processes), slot))
                        self._send(pending[-1][0], (slot, asked[1]))
                if pending:
                    worker, slot = pending.popleft()
                    answer = self._receive(worker)
                    images = self.slots[slot, : answer.count].copy()
                    free.append(slot)
                    yield images, answer
        except GeneratorExit:  # the epoch was left early; the pool serves the next one
            self._drain([worker for worker, _ in pending])
            raise
        except BaseException:
            self.close()
            raise

    def _drain(self, pending: list[int]) -> None:
        """Receive and drop the answers of an abandoned epoch."""
        try:
            for worker in pending:
                if self._close.alive:
                    self._take(worker)
        except WorkerError:
            self.close()

    def _send(self, worker: int, message: object) -> None:
        try:
            self.pipes[worker].send(message)
        except OSError as error:
            raise self._died(worker) from error

    def _receive(self, worker: int) -> Prepared:
        answer = self._take(worker)
        if isinstance(answer, FacezooError):
            raise answer
        if isinstance(answer, str):
            raise WorkerError(f"data worker {worker} failed: {answer}")
        return answer

    def _take(self, worker: int) -> Any:
        pipe, process = self.pipes[worker], self.processes[worker]
        try:
            if pipe not in wait([pipe, process.sentinel]) and not pipe.poll():
                raise EOFError  # it ended without an answer
            return pipe.recv()
        except (EOFError, OSError) as error:
            raise self._died(worker) from error

    def _died(self, worker: int) -> WorkerError:
        process = self.processes[worker]
        process.join(timeout=5)
        code = process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        hint = (
            "out of memory? try fewer workers or a smaller cache"
            if code is not None and code < 0
            else 'a script that starts workers needs `if __name__ == "__main__":`'
        )
        return WorkerError(f"data worker {worker} (process {process.pid}) {how}; {hint}")

    def close(self) -> None:
        """End the processes."""
        self._close()


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Block SIGINT; a process started meanwhile inherits the block, so Ctrl-C cannot interrupt its start."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _serve(pipe: Connection, preparer: Preparer, memory: Any, shape: tuple[int, ...]) -> None:
    """The main loop of a worker: answer jobs until the pipe closes, which also happens when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole process group; the parent handles it
    slots = as_array(memory, shape)
    answer: object
    try:
        while (message := pipe.recv()) is not None:
            slot, job = message
            try:
                answer = preparer.run(job, slots[slot])
            except FacezooError as error:
                answer = DataError(str(error))  # some errors cannot be pickled, their text can
            except Exception as error:
                answer = f"{type(error).__name__}: {error} (at {_where(error)})"
            pipe.send(answer)
    except (EOFError, OSError):
        return


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def _shut_down(processes: list[Any], pipes: list[Connection]) -> None:
    for pipe in pipes:
        pipe.close()  # a worker returns when its pipe is closed
    for process in processes:
        process.join(timeout=1)
        if process.is_alive():
            process.terminate()
            process.join(timeout=1)
        if process.is_alive():
            process.kill()
            process.join()
