"""The threshold for a decision, and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError
from facezoo.evaluation.statistics.calibration import Calibration, card_path


@dataclass(frozen=True)
class Threshold:
    """A threshold on cosine similarity and its origin.

    Attributes:
        value: a pair is accepted when score >= value; None if no threshold is known.
        fmr: the false match rate of the calibration; None if the user gave the threshold.
        meaning: one sentence.
        calibration: the origin of the threshold, or None.
    """

    value: float | None
    fmr: float | None
    meaning: str
    calibration: Calibration | None = None

    def decide(self, score: float) -> bool | None:
        """Whether a score is accepted; None without a threshold."""
        return None if self.value is None else bool(score >= self.value)

    def as_dict(self, score: float) -> dict[str, Any]:
        """Score, threshold and decision as plain JSON types."""
        probability = None
        if self.calibration is not None:
            probability = round(float(self.calibration.probability(score)), 4)
        return {
            "score": round(float(score), 6),
            "threshold": self.value,
            "fmr": self.fmr,
            "same": self.decide(score),
            "probability": probability,
            "meaning": self.meaning,
        }


def find_threshold(
    weights: str | Path,
    *,
    threshold: float | None = None,
    calibration: str | Path | None = None,
    fmr: float | None = None,
) -> Threshold:
    """The threshold to use with a weight file.

    Args:
        weights: the weight file; a calibration in the same folder is used if there is one.
        threshold: chosen by the user, -1..1; takes precedence.
        calibration: a calibration file.
        fmr: which of the calibrated rates; by default the lowest.

    Raises:
        ConfigError: the threshold is out of range, or an FMR is asked for without a calibration.
        DataError: the calibration cannot be read.
        UnknownNameError: the calibration has no threshold for this FMR.
    """
    if threshold is not None:
        if not -1 <= threshold <= 1:
            raise ConfigError(f"threshold is {threshold}; expected -1..1, a cosine similarity")
        return Threshold(threshold, None, "a threshold chosen by the user; its false match rate is not known")
    path = Path(calibration) if calibration is not None else card_path(weights)
    if calibration is None and not path.is_file():
        if fmr is not None:
            raise ConfigError(f"FMR {fmr:g} needs a calibration; there is no {path}")
        return Threshold(None, None, f"no threshold: there is no calibration {path}")
    card = Calibration.load(path)
    rate = min(point.wanted_fmr for point in card.points) if fmr is None else fmr
    value = card.threshold(rate)
    genuine, impostor = card.pairs
    text = f"about {rate:g} of impostor pairs reach it, by {impostor} impostor and {genuine} genuine pairs"
    return Threshold(value, rate, text, card)
