"""Counters over billions of impostor scores: exact ranks of given values, and the highest scores."""

from __future__ import annotations

import numpy as np


class RankCounter:
    """Counts the scores below and equal to each of the given values; scores come in sorted blocks.

    Args:
        values: distinct, ascending (Q,).
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.below = np.zeros(len(values), np.int64)
        self.equal = np.zeros(len(values), np.int64)
        self._first_above = np.zeros(len(values) + 1, np.int64)  # number of scores by the first value above them

    def find(self, block: np.ndarray) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
        """Positions of a sorted block among the values; safe to call from several threads."""
        if len(self.values) <= len(block):
            left = np.searchsorted(block, self.values, side="left")
            inside = left < len(block)
            tied = np.flatnonzero(inside)[block[left[inside]] == self.values[inside]]
            ties = np.searchsorted(block, self.values[tied], side="right") - left[tied]
            return "values", left, tied, ties
        above = np.searchsorted(self.values, block, side="right")
        before = np.maximum(above - 1, 0)
        tied, ties = np.unique(before[self.values[before] == block], return_counts=True)
        return "scores", above, tied, ties

    def add(self, found: tuple[str, np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Add the result of :meth:`find` to the counts."""
        way, places, tied, ties = found
        if way == "values":
            self.below += places
        else:
            np.add.at(self._first_above, places, 1)
        self.equal[tied] += ties

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """(scores below, scores equal) for each value, int64 (Q,) each."""
        return self.below + np.cumsum(self._first_above[:-1]), self.equal


class TopScores:
    """Keeps the ``size`` highest scores, in at most three times their memory.

    Args:
        size: number of scores to keep, 1 or more.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.floor = np.float32(-np.inf)
        self._parts: list[np.ndarray] = []
        self._held = 0

    def add(self, block: np.ndarray) -> None:
        """Add a sorted block."""
        first = max(len(block) - self.size, int(np.searchsorted(block, self.floor, side="right")))
        if first >= len(block):
            return
        self._parts.append(block[first:].copy())
        self._held += len(block) - first
        if self._held > 2 * self.size:
            self._prune()

    def _prune(self) -> None:
        held = np.concatenate(self._parts)
        if len(held) > self.size:
            held.partition(len(held) - self.size)
            held = held[len(held) - self.size :].copy()
            self.floor = held.min()
        self._parts, self._held = [held], len(held)

    def values(self) -> np.ndarray:
        """The highest scores, descending; fewer than ``size`` if fewer were added."""
        if not self._parts:
            return np.empty(0, np.float32)
        self._prune()
        return np.sort(self._parts[0])[::-1]
