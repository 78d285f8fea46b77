"""Comparison of two models on the same pairs: difference, interval, p value, and whether it is significant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from facezoo.errors import ProtocolError, ShapeError
from facezoo.evaluation.metrics.ten_fold import verification
from facezoo.evaluation.scores.checks import check_scores
from facezoo.evaluation.statistics.bootstrap import bootstrap_subjects
from facezoo.evaluation.statistics.weighted import WeightedCurve


@dataclass(frozen=True)
class Comparison:
    """Figures of the first model minus those of the second, on the same pairs.

    Attributes:
        figure: name of the compared figure.
        first: the figure of the first model.
        second: the figure of the second model.
        difference: first - second.
        interval: of the difference.
        p_value: McNemar's exact p of equal error rates; NaN where the figure is not a share of decisions.
        only_first_right: pairs that only the first model decides correctly.
        only_second_right: pairs that only the second model decides correctly.
        pairs: number of pairs.
        confidence: of the interval.
        how: method of the interval.
        distinguishable: the interval excludes 0 and, where there is one, p < 1 - confidence.
    """

    figure: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    only_first_right: int
    only_second_right: int
    pairs: int
    confidence: float
    how: str
    distinguishable: bool

    @property
    def sentence(self) -> str:
        """The conclusion in one sentence."""
        low, high = (f"{100 * end:+.2f}" for end in self.interval)
        found = f"{self.figure}: {100 * self.difference:+.2f} points ({100 * self.confidence:g} % {low} to {high})"
        if not np.isnan(self.p_value):
            found += f", p = {self.p_value:.3g}"
        if not self.distinguishable:
            return f"{found}: the two models cannot be told apart on these {self.pairs:,} pairs"
        return f"{found}: the {'first' if self.difference > 0 else 'second'} model is better"

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, with the sentence."""
        return {**asdict(self), "interval": list(self.interval), "sentence": self.sentence}


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p of McNemar's test (1947): the discordant pairs as fair coin tosses.

    >>> mcnemar(0, 5), mcnemar(3, 3), mcnemar(0, 0)
    (0.0625, 1.0, 1.0)
    """
    from scipy import stats  # takes half a second to import

    total = only_first + only_second
    if total == 0:
        return 1.0
    return float(min(1.0, 2 * stats.binom.cdf(min(only_first, only_second), total, 0.5)))


def difference_interval(only_first: int, only_second: int, pairs: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a paired difference of shares (Agresti and Min 2005, Statistics in Medicine 24:729).

    Half a pair is added to each discordant cell, so that it is valid with few or no discordant pairs too.
    """
    from scipy import stats  # takes half a second to import

    z = float(stats.norm.ppf(0.5 + confidence / 2))
    one, two, total = only_first + 0.5, only_second + 0.5, pairs + 2
    middle = (one - two) / total
    spread = z * float(np.sqrt(one + two - (one - two) ** 2 / total)) / total
    return max(-1.0, middle - spread), min(1.0, middle + spread)


def compare_decisions(
    first: np.ndarray,
    second: np.ndarray,
    *,
    subjects: tuple[Sequence[object], Sequence[object]] | None = None,
    confidence: float = 0.95,
    figure: str = "accuracy",
    rounds: int = 1000,
) -> Comparison:
    """Compare two models' decisions on the same pairs.

    Args:
        first: bool (n,), whether each decision is correct.
        second: bool (n,), the same for the other model, pairs in the same order.
        subjects: the identities on the left and on the right of each pair, (n,) each. With them the interval comes
            from a bootstrap of people, because pairs that share a person are not independent.
        confidence: of the interval.
        figure: name of the figure.
        rounds: number of bootstrap resamples.

    Raises:
        ShapeError: the models were tested on different numbers of pairs.
    """
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    if one.shape != two.shape or one.ndim != 1 or len(one) == 0:
        raise ShapeError(f"decisions have shapes {one.shape} and {two.shape}; expected the same pairs for both")
    only_one, only_two = int((one & ~two).sum()), int((two & ~one).sum())
    p_value = mcnemar(only_one, only_two)
    interval = difference_interval(only_one, only_two, len(one), confidence)
    how = "Agresti-Min, independent pairs"
    if subjects is not None:
        gain = one.astype(np.float64) - two
        people = bootstrap_subjects(
            lambda weights: float(weights @ gain / weights.sum()) if weights.any() else float("nan"),
            *subjects,
            rounds=rounds,
            confidence=confidence,
        )
        interval = min(interval[0], people[0]), max(interval[1], people[1])
        how = "the wider of Agresti-Min and a bootstrap of people"
    return Comparison(
        figure=figure,
        first=float(one.mean()),
        second=float(two.mean()),
        difference=float(one.mean() - two.mean()),
        interval=interval,
        p_value=p_value,
        only_first_right=only_one,
        only_second_right=only_two,
        pairs=len(one),
        confidence=confidence,
        how=how,
        distinguishable=bool(p_value < 1 - confidence and not interval[0] <= 0 <= interval[1]),
    )


def compare_tar(
    first: np.ndarray,
    second: np.ndarray,
    same: np.ndarray,
    far: float,
    *,
    subjects: tuple[Sequence[object], Sequence[object]] | None = None,
    confidence: float = 0.95,
    rounds: int = 1000,
) -> Comparison:
    """Compare TAR at FAR, each model at its own threshold, by a paired bootstrap.

    The threshold is computed again in every resample, so the interval includes its uncertainty.

    Args:
        first: scores of one model (n,).
        second: scores of the other model (n,), the same pairs in the same order.
        same: bool (n,).
        far: in (0, 1].
        subjects: the identities on the left and right of each pair, (n,) each; None resamples pairs.
        confidence: of the interval.
        rounds: number of resamples, 100 or more.

    Raises:
        ProtocolError: there are too few impostor pairs for this FAR.
    """
    one, flags = check_scores(first, same)
    two, _ = check_scores(second, same)
    impostor = int((~flags).sum())
    if far * impostor < 1:
        raise ProtocolError(f"FAR {far:g} needs {1 / far:,.0f} impostor pairs; there are {impostor:,}: not given")
    sides = subjects or (np.arange(len(one)), np.arange(len(one)))
    every = np.ones(len(one))
    curves = [WeightedCurve(scores, flags) for scores in (one, two)]
    found = [curve.tar(every, far) for curve in curves]
    interval = bootstrap_subjects(
        lambda weights: curves[0].tar(weights, far) - curves[1].tar(weights, far),
        *sides,
        rounds=rounds,
        confidence=confidence,
    )
    return Comparison(
        figure=f"TAR at FAR {far:g}",
        first=found[0],
        second=found[1],
        difference=found[0] - found[1],
        interval=interval,
        p_value=float("nan"),
        only_first_right=0,
        only_second_right=0,
        pairs=len(one),
        confidence=confidence,
        how=f"paired bootstrap of {'people' if subjects else 'pairs'}",
        distinguishable=not interval[0] <= 0 <= interval[1],
    )


def compare_verification(
    first: np.ndarray,
    second: np.ndarray,
    same: np.ndarray,
    folds: int | Sequence[int] | np.ndarray = 10,
    *,
    subjects: tuple[Sequence[object], Sequence[object]] | None = None,
    confidence: float = 0.95,
    rule: str = "exact",
) -> Comparison:
    """Compare the ten-fold accuracy of two models from their scores (n,) of the same pairs.

    Args are those of :func:`facezoo.evaluation.verification` and :func:`compare_decisions`.
    """
    one = verification(first, same, folds, rule=rule)
    two = verification(second, same, folds, rule=rule)
    return compare_decisions(one.correct, two.correct, subjects=subjects, confidence=confidence)
