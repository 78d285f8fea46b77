"""Intervals from resampling subjects, for pairs that share people and are therefore not independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.statistics.intervals import wilson
from facezoo.rng import generator


def _check(rounds: int, confidence: float) -> None:
    if rounds < 100:
        raise ProtocolError(f"rounds is {rounds}; expected at least 100 for an interval")
    if not 0.0 < confidence < 1.0:
        raise ProtocolError(f"confidence is {confidence}; expected a value between 0 and 1, such as 0.95")


def percentile_interval(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    """Efron's percentile interval: the central share ``confidence`` of the resampled figures."""
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bootstrap_rate(
    hits: np.ndarray, totals: np.ndarray, *, rounds: int = 1000, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of a share whose trials are clustered, one cluster per subject.

    Subjects are drawn with replacement, each with all its trials; the share is sum(hits) / sum(totals).

    Args:
        hits: number of successes per subject, int (S,).
        totals: number of trials per subject, int (S,).
        rounds: number of resamples, 100 or more.
        confidence: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        ProtocolError: fewer than two subjects have trials.
    """
    return bootstrap_rates(np.asarray(hits)[None], totals, rounds=rounds, confidence=confidence, seed=seed)[0]


def bootstrap_rates(
    hits: np.ndarray, totals: np.ndarray, *, rounds: int = 1000, confidence: float = 0.95, seed: int = 0
) -> list[tuple[float, float]]:
    """Several shares of the same trials, resampled together: :func:`bootstrap_rate` of each row of hits (K, S)."""
    _check(rounds, confidence)
    return [percentile_interval(row, confidence) for row in resampled_rates(hits, totals, rounds=rounds, seed=seed)]


def share_interval(hits: np.ndarray, totals: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """The wider ends of :func:`bootstrap_rate` and of Wilson's interval, which treats trials as independent.

    Trials of one subject resemble each other, so Wilson's interval alone is too narrow. Without an error, or with few,
    every resample gives the same share, so the bootstrap alone is too narrow. With one subject it is Wilson's.

    Args:
        hits: number of successes per subject, int (S,).
        totals: number of trials per subject, int (S,).
        confidence: in (0, 1).
    """
    low, high = wilson(int(np.sum(hits)), int(np.sum(totals)), confidence)
    if np.count_nonzero(totals) < 2:
        return low, high
    drawn = bootstrap_rate(hits, totals, confidence=confidence)
    return min(low, drawn[0]), max(high, drawn[1])


def resampled_rates(hits: np.ndarray, totals: np.ndarray, *, rounds: int = 1000, seed: int = 0) -> np.ndarray:
    """The shares of each resample, float64 (K, rounds); see :func:`bootstrap_rates`. Equal seeds draw alike."""
    used = np.asarray(totals) > 0
    right, tried = np.asarray(hits, np.float64)[:, used], np.asarray(totals, np.float64)[used]
    subjects = len(tried)
    if subjects < 2:
        raise ProtocolError(f"{subjects} subjects have trials; a subject-level bootstrap needs at least 2")
    draws = generator(seed, "bootstrap", subjects, rounds)
    samples = []
    chunk = max(1, 1_000_000 // subjects)
    for start in range(0, rounds, chunk):
        size = min(chunk, rounds - start)
        drawn = draws.integers(0, subjects, (size, subjects)) + subjects * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * subjects).reshape(size, subjects).astype(np.float64)
        samples.append((right @ weights.T) / (weights @ tried))
    return np.concatenate(samples, axis=1)


def subject_weights(
    first: Sequence[object] | np.ndarray, second: Sequence[object] | np.ndarray, *, rounds: int, seed: int
) -> Iterator[np.ndarray]:
    """Weight of each pair when people are drawn with replacement: float64 (n,), ``rounds`` times.

    The weight of a pair of one person is the number of times the person was drawn; that of a pair of two people is
    the product of both numbers (the subsets bootstrap of Bolle et al. 2004).

    Args:
        first: the identity on the left of each pair (n,).
        second: the identity on the right of each pair (n,).
        rounds: number of resamples.
        seed: the same seed gives the same weights.
    """
    left, right = np.asarray(first), np.asarray(second)
    people, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    one, two = codes[: len(left)], codes[len(left) :]
    differ = one != two
    draws = generator(seed, "subjects", len(people), rounds)
    for _ in range(rounds):
        counts = np.bincount(draws.integers(0, len(people), len(people)), minlength=len(people))
        weights = counts[one].astype(np.float64)
        weights[differ] *= counts[two[differ]]
        yield weights


def bootstrap_subjects(
    statistic: Callable[[np.ndarray], float],
    first: Sequence[object] | np.ndarray,
    second: Sequence[object] | np.ndarray,
    *,
    rounds: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of any weighted figure of pairs, from resampled subjects.

    Args:
        statistic: from pair weights float64 (n,) to a figure; NaN results (no pair drawn) are left out.
        first: the identity on the left of each pair (n,).
        second: the identity on the right of each pair (n,).
        rounds: number of resamples, 100 or more.
        confidence: in (0, 1).
        seed: the same seed gives the same interval.
    """
    _check(rounds, confidence)
    weights = subject_weights(first, second, rounds=rounds, seed=seed)
    samples = np.array([statistic(row) for row in weights])  # one resample in memory at a time
    samples = samples[np.isfinite(samples)]
    if len(samples) < rounds // 2:
        raise ProtocolError(f"only {len(samples)} of {rounds} resamples gave a figure; too few subjects")
    return percentile_interval(samples, confidence)
