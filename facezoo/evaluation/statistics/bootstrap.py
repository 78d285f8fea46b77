"""Intervals by resampling whole subjects, for pairs that share people and so are not independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.rng import generator


def _check(rounds: int, confidence: float) -> None:
    if rounds < 100:
        raise ProtocolError(f"rounds is {rounds}; expected at least 100 for an interval")
    if not 0.0 < confidence < 1.0:
        raise ProtocolError(f"confidence is {confidence}; expected a value between 0 and 1, such as 0.95")


def percentile_interval(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    """The middle ``confidence`` of resampled figures (Efron's percentile interval)."""
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bootstrap_rate(
    hits: np.ndarray, totals: np.ndarray, *, rounds: int = 1000, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of a share whose trials come in clusters, one cluster a subject.

    Subjects are drawn with replacement, each with all its trials; the share is sum(hits) / sum(totals).

    Args:
        hits: successes of each subject, int (S,).
        totals: trials of each subject, int (S,).
        rounds: resamples, 100 or more.
        confidence: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        ProtocolError: fewer than two subjects have trials: there is nothing to resample.
    """
    return bootstrap_rates(np.asarray(hits)[None], totals, rounds=rounds, confidence=confidence, seed=seed)[0]


def bootstrap_rates(
    hits: np.ndarray, totals: np.ndarray, *, rounds: int = 1000, confidence: float = 0.95, seed: int = 0
) -> list[tuple[float, float]]:
    """Several shares of the same trials, resampled together: :func:`bootstrap_rate` of each row of hits (K, S)."""
    _check(rounds, confidence)
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
    return [percentile_interval(row, confidence) for row in np.concatenate(samples, axis=1)]


def subject_weights(
    first: Sequence[object] | np.ndarray, second: Sequence[object] | np.ndarray, *, rounds: int, seed: int
) -> Iterator[np.ndarray]:
    """How often each pair counts when people are drawn with replacement: float64 (n,), ``rounds`` times.

    A pair of one person counts as often as the person was drawn. A pair of two people counts as the product
    of both (Bolle et al. 2004 call this the subsets bootstrap; pairs that share a person move together).

    Args:
        first: who is on the left of each pair (n,).
        second: who is on the right (n,).
        rounds: resamples.
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
    """Interval of any weighted figure of pairs, by subjects.

    Args:
        statistic: from pair weights float64 (n,) to a figure; nan results (no pair drawn) are left out.
        first: who is on the left of each pair (n,).
        second: who is on the right (n,).
        rounds: resamples, 100 or more.
        confidence: in (0, 1).
        seed: the same seed gives the same interval.
    """
    _check(rounds, confidence)
    weights = subject_weights(first, second, rounds=rounds, seed=seed)
    samples = np.array([statistic(row) for row in weights])  # one resample is held at a time
    samples = samples[np.isfinite(samples)]
    if len(samples) < rounds // 2:
        raise ProtocolError(f"only {len(samples)} of {rounds} resamples gave a figure; too few subjects")
    return percentile_interval(samples, confidence)
