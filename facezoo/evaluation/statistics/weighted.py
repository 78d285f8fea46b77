"""ROC figures of weighted pairs for the rounds of a bootstrap; the scores are sorted once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from facezoo.evaluation.scores.checks import check_scores


class Curve(NamedTuple):
    """FMR and TAR after each distinct score, from (0, 0); both empty if genuine or impostor pairs have no weight.

    Attributes:
        fmr: rising; its last value is below 1 where impostor pairs with low scores were left out.
        tar: rising to 1.
    """

    fmr: np.ndarray
    tar: np.ndarray

    def tar_at(self, far: float) -> float:
        """TAR at the smallest threshold with weighted FMR <= far; NaN if the curve does not reach it."""
        if not len(self.fmr) or (self.fmr[-1] < 1 and self.fmr[-1] <= far):
            return float("nan")
        return float(self.tar[self.fmr <= far * (1 + 1e-12)].max())

    def auc(self) -> float:
        """Area under the curve; NaN if impostor pairs were left out."""
        if not len(self.fmr) or self.fmr[-1] < 1:
            return float("nan")
        return float(np.diff(self.fmr) @ (self.tar[1:] + self.tar[:-1]) / 2)

    def eer(self) -> float:
        """Equal error rate; NaN if the curve does not reach it."""
        if not len(self.fmr):
            return float("nan")
        gap = self.fmr + self.tar - 1.0
        after = int(np.argmax(gap >= 0))
        if self.fmr[-1] < 1 and self.fmr[after] >= self.fmr[-1]:
            return float("nan")
        share = -gap[after - 1] / (gap[after] - gap[after - 1])
        return float(self.fmr[after - 1] + share * (self.fmr[after] - self.fmr[after - 1]))


class WeightedCurve:
    """Pairs sorted by score.

    Args:
        scores: (n,), higher is more similar.
        same: bool (n,).
    """

    def __init__(self, scores: np.ndarray, same: np.ndarray) -> None:
        values, flags = check_scores(scores, same)
        self._order = np.argsort(-values, kind="stable")
        falling = values[self._order]
        self._same = flags[self._order]
        self._last_of_tie = np.append(falling[1:] != falling[:-1], True)

    def accepted(self, weights: np.ndarray, rest: float = 0.0) -> Curve:
        """The curve of weighted pairs.

        Args:
            weights: float64 (n,).
            rest: weight of more impostor pairs, whose scores are below those of all impostor pairs here.
        """
        ordered = weights[self._order]
        genuine = np.cumsum(np.where(self._same, ordered, 0.0))[self._last_of_tie]
        impostor = np.cumsum(np.where(self._same, 0.0, ordered))[self._last_of_tie]
        if genuine[-1] == 0 or impostor[-1] == 0:
            return Curve(np.empty(0), np.empty(0))
        return Curve(np.append(0.0, impostor / (impostor[-1] + rest)), np.append(0.0, genuine / genuine[-1]))

    def tar(self, weights: np.ndarray, far: float) -> float:
        """TAR at the smallest threshold with weighted FMR <= far; NaN if genuine or impostor pairs have no weight."""
        return self.accepted(weights).tar_at(far)

    def auc(self, weights: np.ndarray) -> float:
        """Area under the ROC; NaN if genuine or impostor pairs have no weight."""
        return self.accepted(weights).auc()

    def eer(self, weights: np.ndarray) -> float:
        """Equal error rate; NaN if genuine or impostor pairs have no weight."""
        return self.accepted(weights).eer()
