"""Intervals of listed pairs, millions of them, from resampled people; the threshold moves in every resample.

A figure at a low FAR depends on the genuine pairs and on the impostor pairs with the highest scores. Those are weighed
one by one; of all other impostor pairs a resample needs the sum of the weights, which follows from the number of pairs
of each two people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy.sparse import coo_matrix

from facezoo.evaluation.statistics.bootstrap import percentile_interval
from facezoo.evaluation.statistics.weighted import Curve, WeightedCurve
from facezoo.rng import generator

KEPT = 1_000_000  # impostor pairs that are weighed one by one
Ends = tuple[float, float]


class ManyPairs:
    """Pairs of people, ready to be resampled.

    Args:
        scores: (n,), higher is more similar.
        same: bool (n,).
        first: int (n,), the person on the left of each pair, 0 or more.
        second: int (n,), the person on the right.
        kept: number of impostor pairs, those with the highest scores, that are weighed one by one.
    """

    def __init__(
        self, scores: np.ndarray, same: np.ndarray, first: np.ndarray, second: np.ndarray, *, kept: int = KEPT
    ) -> None:
        apart = _lower_impostors(scores, same, kept)
        own = np.flatnonzero(~apart)
        number = _numbered(first, second)
        self.people = int(number.max()) + 1
        self.curve = WeightedCurve(scores[own], same[own])
        self.whole = not apart.any()
        self._one, self._two = number[first[own]], number[second[own]]
        self._differ = self._one != self._two
        one, two = number[first[apart]], number[second[apart]]
        self._alone = np.bincount(one[one == two], minlength=self.people).astype(np.float64)
        differ = one != two
        pairs = (one[differ], two[differ])
        self._together = coo_matrix((np.ones(len(pairs[0])), pairs), (self.people, self.people)).tocsr()

    def intervals(
        self, figures: Mapping[str, Callable[[Curve], float]], *, rounds: int = 400, confidence: float = 0.95
    ) -> dict[str, Ends]:
        """Interval of each figure, all from the same resamples.

        Args:
            figures: from the curve of a resample to a figure, NaN where the kept pairs do not decide it.
            rounds: number of resamples.
            confidence: in (0, 1).

        Returns:
            NaN for a figure that some resamples with pairs of both kinds do not decide.
        """
        samples = np.full((len(figures), rounds), np.nan)
        for at, curve in enumerate(self._curves(rounds)):
            if len(curve.fmr):  # otherwise no genuine or no impostor pair was drawn
                samples[:, at] = [np.inf if np.isnan(value := figure(curve)) else value for figure in figures.values()]
        drawn = [row[~np.isnan(row)] for row in samples]
        return {
            name: (np.nan, np.nan)
            if len(row) < rounds // 2 or np.isinf(row).any()
            else percentile_interval(row, confidence)
            for name, row in zip(figures, drawn, strict=True)
        }

    def _curves(self, rounds: int) -> Iterator[Curve]:
        """The curve of each resample; people are drawn as in :func:`bootstrap.subject_weights`."""
        draws = generator(0, "subjects", self.people, rounds)
        for _ in range(rounds):
            drawn = draws.integers(0, self.people, self.people)
            counts = np.bincount(drawn, minlength=self.people).astype(np.float64)
            weights = counts[self._one]
            weights[self._differ] *= counts[self._two[self._differ]]
            rest = float(counts @ (self._together @ counts) + self._alone @ counts)
            yield self.curve.accepted(weights, rest)


def _lower_impostors(scores: np.ndarray, same: np.ndarray, kept: int) -> np.ndarray:
    """The impostor pairs below the ``kept`` highest, bool (n,); pairs of equal score are not separated."""
    impostor = scores[~same]
    if len(impostor) <= kept:
        return np.zeros(len(scores), bool)
    lowest = np.partition(impostor, len(impostor) - kept)[len(impostor) - kept]
    return ~same & (scores < lowest)


def _numbered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number 0, 1, ... for each person that is in a pair."""
    present = np.zeros(int(max(first.max(), second.max())) + 1, bool)
    present[first] = present[second] = True
    return np.cumsum(present) - 1
