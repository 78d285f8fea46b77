"""The moving average of a backbone's weights."""

from __future__ import annotations


def decay_at(decay: float, step: int) -> float:
    """The decay after a step, counted from 0: smaller in the first steps, so that the initial weights are forgotten.

    >>> [round(decay_at(0.999, step), 3) for step in (0, 9, 100_000)]
    [0.1, 0.526, 0.999]
    """
    return min(decay, (1 + step) / (10 + step))
