"""ROC figures of weighted pairs for the rounds of a bootstrap; the scores are sorted once."""

from __future__ import annotations

import numpy as np

from facezoo.evaluation.scores.checks import check_scores


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

    def _accepted(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(FMR, TAR) after each distinct score, from (0, 0); empty if genuine or impostor pairs have no weight."""
        ordered = weights[self._order]
        genuine = np.cumsum(np.where(self._same, ordered, 0.0))[self._last_of_tie]
        impostor = np.cumsum(np.where(self._same, 0.0, ordered))[self._last_of_tie]
        if genuine[-1] == 0 or impostor[-1] == 0:
            return np.empty(0), np.empty(0)
        return np.append(0.0, impostor / impostor[-1]), np.append(0.0, genuine / genuine[-1])

    def tar(self, weights: np.ndarray, far: float) -> float:
        """TAR at the smallest threshold with weighted FMR <= far; NaN if genuine or impostor pairs have no weight."""
        fmr, tar = self._accepted(weights)
        return float(tar[fmr <= far * (1 + 1e-12)].max()) if len(fmr) else float("nan")

    def auc(self, weights: np.ndarray) -> float:
        """Area under the ROC; NaN if genuine or impostor pairs have no weight."""
        fmr, tar = self._accepted(weights)
        return float(np.diff(fmr) @ (tar[1:] + tar[:-1]) / 2) if len(fmr) else float("nan")

    def eer(self, weights: np.ndarray) -> float:
        """Equal error rate; NaN if genuine or impostor pairs have no weight."""
        fmr, tar = self._accepted(weights)
        if not len(fmr):
            return float("nan")
        gap = fmr + tar - 1.0
        after = int(np.argmax(gap >= 0))
        share = -gap[after - 1] / (gap[after] - gap[after - 1])
        return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))
