"""Which classes a process holds, when the rows of a loss head are divided over processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassRows:
    """A contiguous range of classes.

    Attributes:
        first: the first class.
        count: how many, 0 or more.
        total: classes of all processes together.
    """

    first: int
    count: int
    total: int

    @property
    def end(self) -> int:
        """The class after the last."""
        return self.first + self.count

    @property
    def is_whole(self) -> bool:
        """Whether these are all classes."""
        return self.count == self.total


def divide_classes(total: int, rank: int, world_size: int) -> ClassRows:
    """The classes of a process: equal shares in the order of the ranks, the first ones get one more.

    >>> [(rows.first, rows.count) for rows in (divide_classes(10, rank, 3) for rank in range(3))]
    [(0, 4), (4, 3), (7, 3)]
    """
    share, rest = divmod(total, world_size)
    return ClassRows(rank * share + min(rank, rest), share + (rank < rest), total)


_HELD: ContextVar[ClassRows | None] = ContextVar("held class rows", default=None)


@contextmanager
def hold_rows(rows: ClassRows | None) -> Iterator[None]:
    """Within the block, loss heads that are built allocate these rows only; None allocates all."""
    token = _HELD.set(rows)
    try:
        yield
    finally:
        _HELD.reset(token)


def held_rows(num_classes: int) -> ClassRows:
    """The rows that a head of ``num_classes`` classes allocates: those of :func:`hold_rows`, else all."""
    return _HELD.get() or ClassRows(0, num_classes, num_classes)


def sample_size(rows: ClassRows, batch: int, rate: float) -> int:
    """Classes that a step computes of those held: the rate's share, and never fewer than a batch can name.

    Args:
        rows: the classes held.
        batch: images of the step over all processes.
        rate: share of the classes, above 0 to 1.

    >>> sample_size(ClassRows(0, 1000, 1000), 32, 0.1), sample_size(ClassRows(0, 100, 100), 32, 0.1)
    (100, 32)
    """
    return rows.count if rate >= 1 else min(rows.count, max(round(rate * rows.count), batch))


def sample_classes(labels: np.ndarray, rows: ClassRows, count: int, generator: np.random.Generator) -> np.ndarray:
    """Classes of a step of Partial FC: all that the labels name, and others at random.

    An et al., Killing Two Birds with One Stone, CVPR 2022, arXiv 2203.15565.

    Args:
        labels: (N,) int64, of the step's images over all processes.
        rows: the classes held.
        count: how many to choose, at least as many as the labels name here (see :func:`sample_size`).
        generator: of the random choice.

    Returns:
        (count,) int64, ascending, numbered from the first row held.
    """
    named = np.unique(labels[(labels >= rows.first) & (labels < rows.end)]) - rows.first
    draws = generator.random(rows.count, dtype=np.float32)
    draws[named] = -1.0
    chosen = np.argpartition(draws, count - 1)[:count] if count < rows.count else np.arange(rows.count)
    return np.sort(chosen).astype(np.int64)
