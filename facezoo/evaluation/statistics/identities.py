"""Genuine scores per identity: intervals, and comparison of two models, from resampled identities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import (
    bootstrap_rate,
    bootstrap_rates,
    percentile_interval,
    resampled_rates,
)

Ends = tuple[float, float]
EER_STEPS = 33  # thresholds around the EER at which the resamples are evaluated
_NOTHING = (float("nan"), float("nan"))


class Identities:
    """Genuine scores of each identity.

    Args:
        genuine: float32 (G,), grouped by identity.
        sizes: int64 (S,), number of genuine scores per identity.
        confidence: of the intervals, in (0, 1).
    """

    def __init__(self, genuine: np.ndarray, sizes: np.ndarray, confidence: float) -> None:
        self.genuine = genuine
        self.sizes = sizes[sizes > 0]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)
        self.confidence = confidence

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums per identity, float64 (S,), of one value per genuine pair (G,)."""
        return np.add.reduceat(values.astype(np.float64), self.starts)

    def accepted(self, threshold: float) -> np.ndarray | None:
        """Number of accepted genuine pairs per identity, int64 (S,); None for a threshold of NaN."""
        if np.isnan(threshold):
            return None
        return np.add.reduceat((self.genuine >= np.float32(threshold)).astype(np.int64), self.starts)

    def intervals(self, roc: Roc, thresholds: dict[float, float]) -> tuple[Ends, Ends, dict[float, Ends]]:
        """Intervals of the AUC, of the EER, and of the TAR at each threshold, all from the same resamples."""
        beaten = 1.0 - (roc.false + roc.false_above) / (2.0 * roc.impostor)
        area = beaten[::-1][np.searchsorted(roc.thresholds[::-1], self.genuine)]
        given = {rate: hits for rate, value in thresholds.items() if (hits := self.accepted(value)) is not None}
        if len(self.sizes) < 2:
            return _NOTHING, _NOTHING, dict.fromkeys(thresholds, _NOTHING)
        rows = np.stack([self.sums(area), *list(given.values())])  # (1 + rates, identities)
        auc, *tar = bootstrap_rates(rows, self.sizes, confidence=self.confidence)
        return (
            auc,
            self._eer_interval(roc),
            {**dict.fromkeys(thresholds, _NOTHING), **dict(zip(given, tar, strict=True))},
        )

    def _eer_interval(self, roc: Roc) -> Ends:
        """Interval of the EER: in every resample the threshold moves to where FNMR meets the FMR, which is fixed."""
        fmr, eer = roc.false / roc.impostor, roc.eer()  # fmr rises as the thresholds fall
        here = max(0, int(np.searchsorted(fmr, eer, side="right")) - 1)
        moved = self._fnmr(roc, [here])
        first = int(np.searchsorted(fmr, min(eer, moved.min()))) - 1  # the crossing lies between eer and this FNMR
        last = int(np.searchsorted(fmr, max(eer, moved.max())))
        steps = np.unique(np.linspace(max(0, first), min(len(fmr) - 1, last), EER_STEPS).astype(int))
        fnmr = self._fnmr(roc, steps)  # (steps, rounds)
        gap = fmr[steps][:, None] - fnmr
        gap[-1] = np.maximum(gap[-1], 0)
        after = np.argmax(gap >= 0, axis=0)
        before, rounds = np.maximum(after - 1, 0), np.arange(fnmr.shape[1])
        step = gap[after, rounds] - gap[before, rounds]
        share = np.divide(-gap[before, rounds], step, out=np.zeros(len(step)), where=step > 0)
        found = fnmr[before, rounds] + share * (fnmr[after, rounds] - fnmr[before, rounds])
        return percentile_interval(found, self.confidence)

    def _fnmr(self, roc: Roc, steps: Sequence[int] | np.ndarray) -> np.ndarray:
        """FNMR of each resample at some of the curve's thresholds, (steps, rounds)."""
        return resampled_rates(np.stack([self.sums(self.genuine < roc.thresholds[at]) for at in steps]), self.sizes)


def difference_by_identity(
    first: np.ndarray, second: np.ndarray, pairs: np.ndarray, *, confidence: float = 0.95
) -> tuple[float, tuple[float, float]]:
    """TAR of one model minus that of another, and its interval; the same resampled identities are used for both.

    The threshold of each model is held fixed.

    Args:
        first: number of genuine pairs per identity that the first model accepts, int (S,).
        second: the same for the second model.
        pairs: number of genuine pairs per identity, int (S,).
        confidence: in (0, 1).
    """
    gain = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(gain.sum() / np.sum(pairs)), bootstrap_rate(gain, np.asarray(pairs), confidence=confidence)
