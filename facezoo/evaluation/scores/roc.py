"""The exact ROC of genuine and impostor scores, stored as integer counts.

A pair is accepted when ``score >= threshold``. FMR (FAR) is the share of impostor pairs accepted, FNMR the
share of genuine pairs rejected, TAR = 1 - FNMR. The TAR changes only at genuine scores, so the counts at these
scores describe the whole curve, whatever the number of impostor pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.scores.checks import allowed, check_far, check_scores


@dataclass(frozen=True)
class Roc:
    """Counts at each distinct genuine score, from the highest to the lowest.

    Attributes:
        thresholds: (D,) the distinct genuine scores, descending.
        accepted: int64 (D,), genuine pairs with score >= threshold.
        false: int64 (D,), impostor pairs with score >= threshold.
        false_above: int64 (D,), impostor pairs with score > threshold.
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
    """

    thresholds: np.ndarray
    accepted: np.ndarray
    false: np.ndarray
    false_above: np.ndarray
    genuine: int
    impostor: int

    @classmethod
    def from_scores(cls, scores: np.ndarray, same: np.ndarray) -> Roc:
        """From pair scores (n,) and same flags (n,); higher is more similar."""
        values, flags = check_scores(scores, same)
        impostor = np.sort(values[~flags])
        thresholds, counts = np.unique(values[flags], return_counts=True)
        return cls.from_ranks(
            thresholds,
            counts,
            len(impostor) - np.searchsorted(impostor, thresholds, side="left"),
            len(impostor) - np.searchsorted(impostor, thresholds, side="right"),
            len(impostor),
        )

    @classmethod
    def from_ranks(
        cls,
        thresholds: np.ndarray,
        counts: np.ndarray,
        false: np.ndarray,
        false_above: np.ndarray,
        impostor: int,
    ) -> Roc:
        """From distinct genuine scores in ascending order, their multiplicities and the impostor counts at them."""
        counts = np.asarray(counts, np.int64)[::-1]
        return cls(
            thresholds=np.asarray(thresholds)[::-1],
            accepted=np.cumsum(counts),
            false=np.asarray(false, np.int64)[::-1],
            false_above=np.asarray(false_above, np.int64)[::-1],
            genuine=int(counts.sum()),
            impostor=int(impostor),
        )

    @property
    def refused_before(self) -> np.ndarray:
        """Genuine pairs with score > threshold, int64 (D,)."""
        return np.concatenate([[0], self.accepted[:-1]])

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(FMR, TAR) of the corners of the curve, (0, 0) to (1, 1); a tie of both kinds is one straight segment."""
        false = np.stack([self.false_above, self.false], axis=1).ravel()
        accepted = np.stack([self.refused_before, self.accepted], axis=1).ravel()
        fmr = np.concatenate([[0], false, [self.impostor]]) / self.impostor
        tar = np.concatenate([[0], accepted, [self.genuine]]) / self.genuine
        return fmr, tar

    def auc(self) -> float:
        """Area under the ROC = P(genuine > impostor) + P(equal) / 2 (Mann and Whitney 1947), exact."""
        weights = np.diff(self.accepted, prepend=0)
        beaten_twice = 2 * self.impostor - self.false - self.false_above  # 2 x below + ties
        if 2 * self.genuine * self.impostor < 2**62:
            total = int(weights @ beaten_twice)
        else:  # beyond 64 bits
            total = sum(int(w) * int(b) for w, b in zip(weights.tolist(), beaten_twice.tolist(), strict=True))
        return total / (2 * self.genuine * self.impostor)

    def eer(self) -> float:
        """Equal error rate: where the ROC (linear between its corners) crosses FMR = FNMR."""
        fmr, tar = self.points()
        gap = fmr + tar - 1.0  # FMR - FNMR, from -1 to 1 along the curve
        after = int(np.argmax(gap >= 0))
        step = gap[after] - gap[after - 1]
        share = -gap[after - 1] / step
        return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))

    def supports(self, rate: float) -> bool:
        """Whether there are enough impostor pairs for this rate: at least one of them may be accepted."""
        return allowed(rate, self.impostor) >= 1

    def unsupported(self, rate: float) -> str:
        """The note that explains why a rate is not given."""
        needed = int(np.ceil(1 / rate - 1e-9))
        return f"FAR {rate:g} needs {needed:,} impostor pairs; there are {self.impostor:,}: not given"

    def accepted_at(self, rate: float) -> int:
        """Number of genuine pairs accepted at the smallest threshold with FMR <= rate."""
        fits = int(np.searchsorted(self.false, allowed(rate, self.impostor), side="right"))
        return int(self.accepted[fits - 1]) if fits else 0

    def tar_at_far(self, far: Sequence[float] | float) -> dict[float, float]:
        """TAR at the smallest threshold whose FMR is at most the wanted FAR; NaN where unsupported.

        Args:
            far: one or several rates in (0, 1].
        """
        return {
            rate: self.accepted_at(rate) / self.genuine if self.supports(rate) else float("nan")
            for rate in check_far(far)
        }

    def fnmr_at_fmr(self, fmr: Sequence[float] | float) -> dict[float, float]:
        """1 - TAR at the same thresholds; NaN where unsupported."""
        return {rate: 1.0 - value for rate, value in self.tar_at_far(fmr).items()}

    def far_at_tar(self, tar: float) -> float:
        """The lowest FMR at which at least ``tar`` of the genuine pairs are accepted."""
        if not 0.0 < tar <= 1.0:
            raise ProtocolError(f"tar is {tar}; expected a rate above 0 and at most 1")
        first = int(np.argmax(self.accepted / self.genuine >= tar))
        return float(self.false[first] / self.impostor)


def threshold_at_far(impostor: np.ndarray, rate: float) -> float:
    """The smallest threshold t, in the precision of the scores, with FMR(score >= t) <= rate.

    It is the next float above the highest impostor score that must be rejected: higher scores are accepted, ties with
    it are rejected. At rate 1 every pair is accepted and the threshold is -inf.

    Args:
        impostor: impostor scores (n,), any order, float32 or float64.
        rate: wanted FAR in (0, 1].

    >>> threshold_at_far(np.array([0.1, 0.2, 0.3, 0.4]), 0.25) > 0.3
    True
    """
    scores = np.asarray(impostor)
    count = allowed(check_far(rate)[0], len(scores))
    if count >= len(scores):
        return float("-inf")
    refused = np.partition(scores, len(scores) - 1 - count)[len(scores) - 1 - count]
    return float(np.nextafter(refused, refused.dtype.type(np.inf)))
