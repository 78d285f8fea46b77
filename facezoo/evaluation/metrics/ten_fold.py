"""Verification on a list of pairs in folds, as defined by LFW."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from facezoo.errors import ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation.scores.checks import check_far, check_scores
from facezoo.evaluation.scores.roc import Roc, threshold_at_far
from facezoo.evaluation.statistics.intervals import wilson


@dataclass(frozen=True)
class VerificationResult:
    """The result of verification in folds. Rates are 0..1.

    Attributes:
        accuracy: mean over the folds of the share of pairs decided correctly.
        standard_error: standard deviation of the fold accuracies (n - 1) over the square root of their number.
        thresholds: float64 (folds,), the score threshold of each fold; accepted when score >= threshold.
        fold_accuracies: float64 (folds,).
        interval: Wilson interval of the decisions of all pairs, which treats pairs as independent.
        tar: FAR -> share of genuine pairs accepted at the smallest threshold of all pairs with FMR <= FAR.
        val: FAR -> mean over the folds of the TAR at the threshold of the other folds for that FAR.
        auc: area under the ROC of all pairs.
        eer: equal error rate of all pairs.
        pairs: number of pairs.
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
        rule: how thresholds are chosen.
        confidence: of the interval.
        correct: bool (pairs,), whether each decision is correct, for paired comparisons.
        notes: which figures are not given, and why; whether the folds are not mixed.
    """

    accuracy: float
    standard_error: float
    thresholds: np.ndarray
    fold_accuracies: np.ndarray
    interval: tuple[float, float]
    tar: dict[float, float]
    val: dict[float, float]
    auc: float
    eer: float
    pairs: int
    genuine: int
    impostor: int
    rule: str
    confidence: float
    correct: np.ndarray = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the decisions per pair."""
        out = asdict(self)
        del out["correct"]
        for key in ("thresholds", "fold_accuracies"):
            out[key] = [float(value) for value in out[key]]
        for key in ("tar", "val"):
            out[key] = {f"{rate:g}": value for rate, value in out[key].items()}
        return {**out, "interval": list(self.interval), "notes": list(self.notes)}


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """The threshold with the most correct decisions, exactly.

    Candidates are the midpoints between adjacent distinct scores, the lowest score (accept all) and the next float
    above the highest score (reject all). Of equally good candidates the highest, that is the strictest, is taken,
    as in InsightFace's search over ascending distances.

    Args:
        scores: (n,), higher is more similar.
        same: bool (n,).

    >>> best_threshold(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    0.5
    """
    values, inverse = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    genuine = np.bincount(inverse[same], minlength=len(values))
    impostor = np.bincount(inverse[~np.asarray(same)], minlength=len(values))
    # right[i]: number of correct decisions when exactly the values i.. are accepted, i = 0..D
    right = np.concatenate([[0], np.cumsum(impostor)]) + genuine.sum() - np.concatenate([[0], np.cumsum(genuine)])
    first = len(right) - 1 - int(np.argmax(right[::-1]))
    if first == 0:
        return float(values[0])
    if first == len(values):
        return float(np.nextafter(values[-1], np.inf))
    low, high = values[first - 1], values[first]
    middle = low + (high - low) / 2
    return float(middle if middle > low else high)  # adjacent floats have no midpoint


def grid_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """The threshold of InsightFace's grid: squared distances 0, 0.01, ... 3.99, accepted when distance < grid value.

    The score must be a cosine: squared distance = 2 - 2 cosine. Of equally good values the smallest distance is
    taken. The result is in units of the score; :func:`verification` compares the distance itself.
    """
    return 1.0 - _grid_distance(scores, same) / 2


def _grid_distance(scores: np.ndarray, same: np.ndarray) -> float:
    grid = np.arange(0, 4, 0.01)
    distance = 2.0 - 2.0 * np.asarray(scores, np.float64)
    near = np.searchsorted(np.sort(distance[same]), grid, side="left")  # strictly below
    far = np.searchsorted(np.sort(distance[~same]), grid, side="left")
    return float(grid[int(np.argmax(near - far))])


def _decide_exact(scores: np.ndarray, same: np.ndarray, test: np.ndarray) -> tuple[float, np.ndarray]:
    threshold = best_threshold(scores, same)
    return threshold, test >= threshold


def _decide_grid(scores: np.ndarray, same: np.ndarray, test: np.ndarray) -> tuple[float, np.ndarray]:
    distance = _grid_distance(scores, same)
    return 1.0 - distance / 2, 2.0 - 2.0 * test < distance


RULES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]]] = {
    "exact": _decide_exact,
    "insightface": _decide_grid,
}


def fold_numbers(folds: int | Sequence[int] | np.ndarray, pairs: int) -> np.ndarray:
    """The fold of each pair, int64 (pairs,).

    Args:
        folds: the number of contiguous folds of equal size (the first ``pairs % folds`` have one more pair), or
            the fold number of each pair.
        pairs: number of pairs.

    Raises:
        ProtocolError: fewer than two folds, or more folds than pairs.
        ShapeError: not one number per pair.
    """
    if isinstance(folds, int | np.integer):
        if not 2 <= folds <= pairs:
            raise ProtocolError(f"folds is {folds}; expected 2..{pairs}, the number of pairs")
        return np.repeat(np.arange(folds), [len(part) for part in np.array_split(np.arange(pairs), folds)])
    numbers = np.asarray(folds)
    if numbers.shape != (pairs,):
        raise ShapeError(f"folds have shape {numbers.shape}; expected a count or ({pairs},), one fold number per pair")
    numbers = np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    if numbers.max() < 1:
        raise ProtocolError("all pairs are in one fold; expected at least 2 folds")
    return numbers


def _one_kind(numbers: np.ndarray, same: np.ndarray) -> list[str]:
    """A note if folds hold one kind of pair only, as those of a list that is not mixed."""
    folds = int(numbers.max()) + 1
    genuine = np.bincount(numbers[same], minlength=folds)
    found = int(((genuine == 0) | (genuine == np.bincount(numbers, minlength=folds))).sum())
    if not found:
        return []
    return [
        f"{found} of {folds} folds hold one kind of pair only: accuracy and VAL depend on the order of the list; "
        "mix genuine and impostor pairs, or give the fold of each pair"
    ]


def verification(
    scores: np.ndarray,
    same: np.ndarray,
    folds: int | Sequence[int] | np.ndarray = 10,
    *,
    rule: str = "exact",
    far: Sequence[float] = (1e-3,),
    confidence: float = 0.95,
) -> VerificationResult:
    """Verification accuracy in folds: each fold is decided with the threshold of the other folds.

    Huang et al. 2007, "Labeled Faces in the Wild", view 2: mean accuracy and its standard error.

    Args:
        scores: (n,), higher is more similar (a cosine for the InsightFace rule).
        same: bool (n,), True for a genuine pair.
        folds: a number of contiguous equal folds as LFW orders them, or the fold number of each pair.
        rule: "exact" (see :func:`best_threshold`) or "insightface" (see :func:`grid_threshold`).
        far: false-accept rates for ``tar`` and ``val``.
        confidence: of the interval.

    Raises:
        ShapeError, NumericalError, ProtocolError: scores and flags do not match, are not finite, or hold one
            kind of pair only, in total or in the folds that choose a threshold.

    >>> verification(np.array([0.9, 0.1, 0.8, 0.2]), np.array([True, False, True, False]), folds=2).accuracy
    1.0
    """
    if rule not in RULES:
        raise UnknownNameError("threshold rule", rule, RULES)
    values, flags = check_scores(scores, same)
    if rule == "insightface" and np.abs(values).max() > 1.0 + 1e-5:
        raise ProtocolError(f"a score is {values[np.abs(values).argmax()]:g}; the InsightFace grid needs cosines")
    numbers = fold_numbers(folds, len(values))
    rates = check_far(far)
    thresholds, accuracies = [], []
    correct = np.zeros(len(values), bool)
    val: dict[float, list[float]] = {rate: [] for rate in rates}
    for fold in range(int(numbers.max()) + 1):
        test = numbers == fold
        train = ~test
        if flags[train].all() or not flags[train].any():
            raise ProtocolError(f"without fold {fold} the other folds hold one kind of pair only; mix the folds")
        threshold, accept = RULES[rule](values[train], flags[train], values[test])
        correct[test] = accept == flags[test]
        thresholds.append(threshold)
        accuracies.append(float(correct[test].mean()))
        for rate in rates:
            genuine = values[test & flags]
            limit = threshold_at_far(values[train & ~flags], rate)
            val[rate].append(float((genuine >= limit).mean()) if len(genuine) else float("nan"))
    roc = Roc.from_scores(values, flags)
    given = {rate: roc.supports(rate) for rate in rates}
    return VerificationResult(
        accuracy=float(np.mean(accuracies)),
        standard_error=float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))),
        thresholds=np.array(thresholds),
        fold_accuracies=np.array(accuracies),
        interval=wilson(int(correct.sum()), len(correct), confidence),
        tar=roc.tar_at_far(rates),
        val={rate: float(np.mean(found)) if given[rate] else float("nan") for rate, found in val.items()},
        auc=roc.auc(),
        eer=roc.eer(),
        pairs=len(values),
        genuine=roc.genuine,
        impostor=roc.impostor,
        rule=rule,
        confidence=confidence,
        correct=correct,
        notes=(*_one_kind(numbers, flags), *(roc.unsupported(rate) for rate, fits in given.items() if not fits)),
    )
