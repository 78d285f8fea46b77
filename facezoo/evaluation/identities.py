"""Genuine scores identity by identity: intervals, and two models compared, by resampling identities."""

from __future__ import annotations

import numpy as np

from facezoo.evaluation.bootstrap import bootstrap_rate
from facezoo.evaluation.roc import Roc

_NOTHING = (float("nan"), float("nan"))


class Identities:
    """Genuine scores of each identity.

    Args:
        genuine: float32 (G,), identity after identity.
        sizes: int64, how many of them each identity has.
        confidence: of intervals, in (0, 1).
    """

    def __init__(self, genuine: np.ndarray, sizes: np.ndarray, confidence: float) -> None:
        self.genuine = genuine
        self.sizes = sizes[sizes > 0]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)
        self.confidence = confidence

    def interval(self, values: np.ndarray) -> tuple[float, float]:
        """Interval of the mean of one value for each genuine pair."""
        if len(self.sizes) < 2:
            return _NOTHING
        sums = np.add.reduceat(values.astype(np.float64), self.starts)
        return bootstrap_rate(sums, self.sizes, confidence=self.confidence)

    def accepted(self, threshold: float) -> np.ndarray | None:
        """Genuine pairs accepted of each identity, int64; None where there is no threshold."""
        if np.isnan(threshold):
            return None
        return np.add.reduceat((self.genuine >= np.float32(threshold)).astype(np.int64), self.starts)

    def tar(self, threshold: float) -> tuple[float, float]:
        """Interval of the share of genuine pairs accepted."""
        return _NOTHING if np.isnan(threshold) else self.interval(self.genuine >= np.float32(threshold))

    def auc(self, roc: Roc) -> tuple[float, float]:
        """Interval of the mean share of impostor pairs that a genuine pair beats."""
        beaten = 1.0 - (roc.false + roc.false_above) / (2.0 * roc.impostor)
        return self.interval(beaten[::-1][np.searchsorted(roc.thresholds[::-1], self.genuine)])

    def eer(self, roc: Roc) -> tuple[float, float]:
        """Interval of the FNMR at the lowest genuine score whose FMR is at most the EER."""
        fits = int(np.searchsorted(roc.false / roc.impostor, roc.eer(), side="right"))
        return self.interval(self.genuine < roc.thresholds[max(0, fits - 1)])


def difference_by_identity(
    first: np.ndarray, second: np.ndarray, pairs: np.ndarray, *, confidence: float = 0.95
) -> tuple[float, tuple[float, float]]:
    """TAR of one model minus that of another, and its interval, identities resampled for both at once.

    Each model keeps its own threshold, held fixed.

    Args:
        first: genuine pairs of each identity that the first model accepts, int (S,).
        second: the same of the second model.
        pairs: genuine pairs of each identity, int (S,).
        confidence: in (0, 1).
    """
    gain = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(gain.sum() / np.sum(pairs)), bootstrap_rate(gain, np.asarray(pairs), confidence=confidence)
