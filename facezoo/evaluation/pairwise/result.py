"""The result of an all-pairs comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facezoo.evaluation.scores.roc import Roc


@dataclass(frozen=True)
class AllPairsResult:
    """Figures over all pairs. Rates are 0..1; a pair is accepted when its score >= threshold.

    Attributes:
        tar: FAR -> share of genuine pairs accepted at the smallest threshold with FMR <= FAR; NaN where there
            are too few impostor pairs for that FAR.
        threshold: FAR -> that smallest threshold, a float32 value; NaN where not given, -inf for FAR 1.
        genuine: number of genuine pairs; an unordered pair counts once.
        impostor: number of impostor pairs.
        auc: area under the ROC, exact.
        eer: equal error rate, exact.
        interval: FAR -> interval of the TAR at that threshold, from a bootstrap of identities. Impostor scores
            and thresholds are held fixed, because there are far more impostor scores.
        auc_interval: of the AUC, from the same bootstrap.
        eer_interval: of the EER, from the same bootstrap; the threshold moves in every resample.
        confidence: of the intervals.
        at: requested threshold -> (FMR, FNMR) at it.
        labels_sha256: hash of the labels; two results with equal hashes are of the same pairs.
        roc: the exact ROC curve.
        identity_pairs: int64 (S,), number of genuine pairs per identity, for identities that have any.
        identity_accepted: FAR -> int64 (S,), number of those accepted at its threshold; None where not given.
        histogram: (edges, genuine counts, impostor counts) in bins [edge, next) of 0.01, for the cosine.
        identities: number of identities.
        notes: which figures are not given, and why.
    """

    tar: dict[float, float]
    threshold: dict[float, float]
    genuine: int
    impostor: int
    auc: float
    eer: float
    interval: dict[float, tuple[float, float]]
    auc_interval: tuple[float, float]
    eer_interval: tuple[float, float]
    confidence: float
    at: dict[float, tuple[float, float]]
    identities: int
    labels_sha256: str
    roc: Roc = field(repr=False)
    identity_pairs: np.ndarray = field(repr=False)
    identity_accepted: dict[float, np.ndarray | None] = field(repr=False)
    histogram: tuple[np.ndarray, np.ndarray, np.ndarray] | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()

    @property
    def fnmr(self) -> dict[float, float]:
        """FMR -> FNMR, which is 1 - TAR at the same FAR."""
        return {rate: 1.0 - value for rate, value in self.tar.items()}

    def by_identity(self) -> dict[str, Any]:
        """Accepted genuine pairs per identity, as plain types, for a comparison with another model."""
        accepted = {f"{far:g}": None if hits is None else hits.tolist() for far, hits in self.identity_accepted.items()}
        return {"labels_sha256": self.labels_sha256, "pairs": self.identity_pairs.tolist(), "accepted": accepted}

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the curve."""
        return {
            "genuine": self.genuine,
            "impostor": self.impostor,
            "identities": self.identities,
            "tar": {f"{rate:g}": value for rate, value in self.tar.items()},
            "threshold": {f"{rate:g}": value for rate, value in self.threshold.items()},
            "interval": {f"{rate:g}": list(ends) for rate, ends in self.interval.items()},
            "confidence": self.confidence,
            "auc": self.auc,
            "eer": self.eer,
            "auc_interval": list(self.auc_interval),
            "eer_interval": list(self.eer_interval),
            "at": {f"{value:.9g}": {"fmr": fmr, "fnmr": fnmr} for value, (fmr, fnmr) in self.at.items()},
            "notes": list(self.notes),
        }
