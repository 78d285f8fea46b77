"""The threshold for a decision, and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from facezoo.checkpoints.weights import read_info
from facezoo.errors import ConfigError, DataError, UnknownNameError
from facezoo.evaluation.statistics.calibration import Calibration, card_path
from facezoo.io.files import file_hash
from facezoo.weights.index import load_index
from facezoo.weights.schema import MeasuredThreshold


@dataclass(frozen=True)
class Threshold:
    """A threshold on cosine similarity and its origin.

    Attributes:
        value: a pair is accepted when score >= value; None if no threshold is known.
        fmr: the false match rate of the calibration; None if the user gave the threshold.
        meaning: one sentence.
        calibration: the origin of the threshold, or None.
        notes: how the calibration was made otherwise than the scores that are decided now.
        source: how a threshold that came with the model was measured.
    """

    value: float | None
    fmr: float | None
    meaning: str
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()
    source: str = ""

    def decide(self, score: float) -> bool | None:
        """Whether a score is accepted; None without a threshold."""
        return None if self.value is None else bool(score >= self.value)

    @property
    def condition(self) -> str:
        """The prior that the probability assumes, as words to follow it."""
        if self.calibration is None:
            return ""
        if self.calibration.prior is None:
            return ", among pairs like those of the calibration"
        return f", if {100 * self.calibration.prior:g} % of the compared pairs are of one person"

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
            "prior": None if self.calibration is None else self.calibration.prior,
            "meaning": self.meaning,
            "notes": list(self.notes),
            "source": self.source,
        }


def find_threshold(
    weights: str | Path,
    *,
    threshold: float | None = None,
    calibration: str | Path | None = None,
    fmr: float | None = None,
    flip: str = "sum",
    aligner: str | None = None,
) -> Threshold:
    """The threshold to use with a weight file.

    Args:
        weights: the weight file; a calibration in the same folder is used if there is one, else the thresholds that
            came with the model: in the index of weights, or in the file's metadata.
        threshold: chosen by the user, -1..1; takes precedence.
        calibration: a calibration file.
        fmr: which of the calibrated rates; by default the lowest.
        flip: how the scores to decide use the mirrored image; another flip of the calibration gives a note.
        aligner: how their faces are aligned; another one gives a note.

    Raises:
        ConfigError: the threshold is out of range, or an FMR is asked for without a calibration.
        DataError: the calibration cannot be read, or belongs to another weight file.
        UnknownNameError: the calibration has no threshold for this FMR.
    """
    if threshold is not None:
        if not -1 <= threshold <= 1:
            raise ConfigError(f"threshold is {threshold}; expected -1..1, a cosine similarity")
        return Threshold(threshold, None, "a threshold chosen by the user; its false match rate is not known")
    path = Path(calibration) if calibration is not None else card_path(weights)
    if calibration is None and not path.is_file():
        stored = _thresholds_of(weights)
        if stored:
            return _of_the_model(weights, stored, fmr, flip, aligner)
        if fmr is not None:
            raise ConfigError(f"FMR {fmr:g} needs a calibration; there is no {path}")
        return Threshold(None, None, f"no threshold came with this model, and there is no calibration {path}")
    card = Calibration.load(path)
    _check_weights(path, card, Path(weights))
    rate = min(point.wanted_fmr for point in card.points) if fmr is None else fmr
    value = card.threshold(rate)
    genuine, impostor = card.pairs
    text = f"about {rate:g} of impostor pairs reach it, by {impostor} impostor and {genuine} genuine pairs"
    return Threshold(value, rate, text, card, _differences(card, flip, aligner))


def _thresholds_of(weights: str | Path) -> Any:
    """The thresholds of a model: those of the index now, for a model of the index; else those in the file."""
    info = read_info(weights)
    source = info.get("source")
    name = source.get("name") if isinstance(source, dict) else None
    entry = load_index().get(name) if isinstance(name, str) else None
    return entry.thresholds if entry is not None and entry.thresholds else info.get("thresholds")


def _of_the_model(weights: str | Path, stored: Any, fmr: float | None, flip: str, aligner: str | None) -> Threshold:
    """A threshold in the metadata of a weight file."""
    try:
        points = {item.fmr: item for item in map(MeasuredThreshold.model_validate, stored)}
    except (ValidationError, TypeError) as error:
        raise DataError(f"{str(weights)!r} has unusable thresholds in its metadata: {_first(error)}") from error
    rate = min(points) if fmr is None else fmr
    if rate not in points:
        raise UnknownNameError("FMR", f"{rate:g}", [f"{known:g}" for known in sorted(points)])
    point = points[rate]
    notes = [
        f"the threshold was measured with {what} {then!r}, this score has {now!r}; the false match rate may differ"
        for what, then, now in (("flip", point.flip, flip), ("aligner", point.aligner, aligner))
        if now is not None and then != now
    ]
    text = f"about {rate:g} of impostor pairs reach it, measured on {point.pairs}"
    return Threshold(point.threshold, rate, text, None, tuple(notes), point.source)


def _first(error: Exception) -> str:
    return str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)


def _check_weights(path: Path, card: Calibration, weights: Path) -> None:
    """Raise DataError if the calibration was made with another weight file."""
    wanted = card.source.get("weights_sha256")
    if not isinstance(wanted, str) or not weights.is_file():
        return
    found = file_hash(weights)
    if found != wanted:
        raise DataError(
            f"{path} was calibrated with weights of SHA-256 {wanted[:16]}; {weights} has {found[:16]}; expected a "
            "calibration of these weights (facezoo evaluate --calibrate), or --threshold"
        )


def _differences(card: Calibration, flip: str, aligner: str | None) -> tuple[str, ...]:
    """What the calibration does not record, or records otherwise than the scores to decide."""
    notes = []
    if "weights_sha256" not in card.source:
        notes.append("the calibration does not record its weights; it may belong to another model")
    for what, now in (("flip", flip), ("aligner", aligner)):
        then = card.source.get(what)
        if now is not None and then is not None and then != now:
            notes.append(f"the calibration used {what} {then!r}, this score {now!r}; the false match rate may differ")
    return tuple(notes)
