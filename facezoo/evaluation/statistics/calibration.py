"""Thresholds for wanted FMRs, and probabilities, fitted to pairs; stored next to a weight file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import DataError, ProtocolError, UnknownNameError
from facezoo.evaluation.scores.checks import check_far, check_scores
from facezoo.evaluation.scores.roc import Roc, threshold_at_far
from facezoo.evaluation.statistics.intervals import clopper_pearson
from facezoo.evaluation.statistics.probability import Isotonic, Logistic, fit_isotonic, fit_logistic
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json

FORMAT = 1


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its error rates on the calibration pairs; a pair is accepted when score >= threshold.

    Attributes:
        wanted_fmr: the FMR that was asked for.
        threshold: the smallest threshold with FMR <= ``wanted_fmr``.
        threshold_interval: distribution-free, from order statistics of the impostor scores; an end for which
            there are too few pairs is None.
        fmr: measured FMR.
        fmr_interval: exact binomial (Clopper and Pearson).
        fnmr: measured FNMR.
        fnmr_interval: exact binomial.
    """

    wanted_fmr: float
    threshold: float
    threshold_interval: tuple[float | None, float | None]
    fmr: float
    fmr_interval: tuple[float, float]
    fnmr: float
    fnmr_interval: tuple[float, float]


def operating_point(
    scores: np.ndarray, same: np.ndarray, fmr: float = 1e-3, confidence: float = 0.95
) -> OperatingPoint:
    """The threshold for a wanted FMR, with its interval.

    Args:
        scores: (n,), higher is more similar.
        same: bool (n,).
        fmr: wanted, in (0, 1].
        confidence: of the intervals, which treat pairs as independent.

    Raises:
        ProtocolError: there are too few impostor pairs for this FMR; nothing is extrapolated.
    """
    from scipy import stats  # takes half a second to import

    values, flags = check_scores(scores, same)
    rate = check_far(fmr)[0]
    roc = Roc.from_scores(values, flags)
    if not roc.supports(rate):
        raise ProtocolError(roc.unsupported(rate))
    impostor, genuine = np.sort(values[~flags])[::-1], values[flags]
    threshold = threshold_at_far(impostor, rate)
    accepted, refused = int((impostor >= threshold).sum()), int((genuine < threshold).sum())
    tail = (1 - confidence) / 2
    few = int(stats.binom.ppf(tail, len(impostor), rate))  # number of impostors above the true threshold: few..many
    many = int(stats.binom.ppf(1 - tail, len(impostor), rate)) + 1
    high = float(impostor[few - 1]) if few >= 1 else None
    low = float(impostor[many - 1]) if many <= len(impostor) else None
    return OperatingPoint(
        wanted_fmr=rate,
        threshold=threshold,
        threshold_interval=(low, high),
        fmr=accepted / len(impostor),
        fmr_interval=clopper_pearson(accepted, len(impostor), confidence),
        fnmr=refused / len(genuine),
        fnmr_interval=clopper_pearson(refused, len(genuine), confidence),
    )


def _point(values: dict[str, Any]) -> OperatingPoint:
    plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return OperatingPoint(**plain)


@dataclass(frozen=True)
class Calibration:
    """Turns a score into a decision and a probability; used by ``facezoo verify``.

    Attributes:
        points: operating points, one per wanted FMR.
        logistic: score -> probability, a sigmoid.
        isotonic: score -> probability, a non-decreasing function.
        prior: share of genuine pairs for which the probabilities are valid; None: the share among the pairs.
        confidence: of the intervals.
        pairs: numbers of (genuine, impostor) pairs.
        source: origin of the pairs, such as a protocol and its hash.
    """

    points: tuple[OperatingPoint, ...]
    logistic: Logistic
    isotonic: Isotonic
    prior: float | None
    confidence: float
    pairs: tuple[int, int]
    source: dict[str, Any]

    def threshold(self, fmr: float) -> float:
        """The threshold stored for a wanted FMR.

        Raises:
            UnknownNameError: there is no threshold for this FMR.
        """
        for point in self.points:
            if point.wanted_fmr == fmr:
                return point.threshold
        raise UnknownNameError("FMR", f"{fmr:g}", [f"{point.wanted_fmr:g}" for point in self.points])

    def probability(self, scores: np.ndarray | float, how: str = "logistic") -> np.ndarray:
        """Probability that a pair is genuine, by "logistic" or "isotonic"."""
        fits: dict[str, Logistic | Isotonic] = {"logistic": self.logistic, "isotonic": self.isotonic}
        if how not in fits:
            raise UnknownNameError("calibration", how, fits)
        return fits[how].probability(scores)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        isotonic = {"scores": self.isotonic.scores.tolist(), "probabilities": self.isotonic.probabilities.tolist()}
        return {"format": FORMAT, **asdict(self), "isotonic": isotonic}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """The inverse of :meth:`to_dict`."""
        if values.get("format") != FORMAT:
            raise DataError(f"calibration has format {values.get('format')!r}; expected {FORMAT}")
        try:
            knots = values["isotonic"]
            points = tuple(_point(point) for point in values["points"])
            if not points:
                raise DataError("the calibration has no operating point; expected at least 1")
            if not isinstance(values["source"], dict):
                raise TypeError(f"source is {values['source']!r}")
            return cls(
                points=points,
                logistic=Logistic(**values["logistic"]),
                isotonic=Isotonic(np.array(knots["scores"]), np.array(knots["probabilities"])),
                prior=values["prior"],
                confidence=values["confidence"],
                pairs=(values["pairs"][0], values["pairs"][1]),
                source=values["source"],
            )
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(f"a field of the calibration is missing or unknown: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write as JSON, to a temporary file that is renamed at the end."""
        with atomic_write(path) as part:
            part.write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read what :meth:`save` wrote.

        Raises:
            DataError: the file is missing, or is not a calibration.
        """
        try:
            values = parse_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read calibration {str(path)!r}: {error}") from error
        if not isinstance(values, dict):
            raise DataError(f"{str(path)!r} holds a {type(values).__name__}; expected a calibration")
        return cls.from_dict(values)


def card_path(weights: str | Path) -> Path:
    """Path of the calibration of a weight file, in the same folder.

    >>> card_path("models/a.safetensors").as_posix()
    'models/a.calibration.json'
    """
    return Path(weights).with_suffix(".calibration.json")


def calibrate(
    scores: np.ndarray,
    same: np.ndarray,
    fmr: Sequence[float] | float = (1e-2, 1e-3),
    *,
    prior: float | None = 0.5,
    confidence: float = 0.95,
    source: dict[str, Any] | None = None,
) -> Calibration:
    """Thresholds for wanted FMRs and fitted probabilities from pairs.

    Args:
        scores: (n,).
        same: bool (n,).
        fmr: wanted rates, each in (0, 1].
        prior: share of genuine pairs in use; None: the share among these pairs.
        confidence: of the intervals.
        source: origin of the pairs; stored with the result.

    Raises:
        ProtocolError: too few impostor pairs for an FMR, or one kind of pair only.
    """
    values, flags = check_scores(scores, same)
    return Calibration(
        points=tuple(operating_point(values, flags, rate, confidence) for rate in check_far(fmr)),
        logistic=fit_logistic(values, flags, prior),
        isotonic=fit_isotonic(values, flags, prior),
        prior=prior,
        confidence=confidence,
        pairs=(int(flags.sum()), int((~flags).sum())),
        source=dict(source or {}),
    )
