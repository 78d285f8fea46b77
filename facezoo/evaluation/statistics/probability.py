"""Fits of the probability that both images show the same person, given the score: logistic and isotonic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.scores.checks import check_scores


def class_weights(same: np.ndarray, prior: float | None) -> np.ndarray:
    """Weights (n,) with which the share of genuine pairs is ``prior``; all 1 if ``prior`` is None."""
    if prior is None:
        return np.ones(len(same))
    if not 0.0 < prior < 1.0:
        raise ProtocolError(f"prior is {prior}; expected the share of genuine pairs in use, between 0 and 1")
    share = same.mean()
    return np.where(same, prior / share, (1 - prior) / (1 - share))


@dataclass(frozen=True)
class Logistic:
    """probability = 1 / (1 + exp(-(slope * score + intercept)))."""

    slope: float
    intercept: float

    def probability(self, scores: np.ndarray | float) -> np.ndarray:
        """Probabilities, float64 of the shape of the scores."""
        z = self.slope * np.asarray(scores, np.float64) + self.intercept
        return 0.5 * (1.0 + np.tanh(z / 2))  # never overflows


def fit_logistic(scores: np.ndarray, same: np.ndarray, prior: float | None = 0.5) -> Logistic:
    """Platt's sigmoid (1999) by Newton's method, with its smoothed targets, so that separable data converge.

    Args:
        scores: (n,).
        same: bool (n,).
        prior: share of genuine pairs in use; None: the share among these pairs.
    """
    values, flags = check_scores(scores, same)
    weights = class_weights(flags, prior)
    positives, negatives = int(flags.sum()), int((~flags).sum())
    target = np.where(flags, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    middle, spread = values.mean(), values.std() or 1.0
    x = np.stack([(values - middle) / spread, np.ones(len(values))])  # (2, n)
    beta = np.zeros(2)
    loss = _loss(x, target, weights, beta)
    for _ in range(100):
        p = 0.5 * (1 + np.tanh(beta @ x / 2))
        gradient = x @ (weights * (p - target))
        hessian = (x * (weights * p * (1 - p))) @ x.T + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-10 and _loss(x, target, weights, beta - size * step) > loss:
            size /= 2
        beta = beta - size * step
        before, loss = loss, _loss(x, target, weights, beta)
        if before - loss < 1e-12 * max(1.0, abs(loss)):
            break
    return Logistic(float(beta[0] / spread), float(beta[1] - beta[0] * middle / spread))


def _loss(x: np.ndarray, target: np.ndarray, weights: np.ndarray, beta: np.ndarray) -> float:
    z = beta @ x
    return float(weights @ (np.logaddexp(0, z) - target * z))


@dataclass(frozen=True)
class Isotonic:
    """A non-decreasing function, linear between its knots.

    Attributes:
        scores: of the knots, ascending (K,).
        probabilities: of the knots, non-decreasing (K,).
    """

    scores: np.ndarray
    probabilities: np.ndarray

    def probability(self, scores: np.ndarray | float) -> np.ndarray:
        """Probabilities, float64 of the shape of the scores; constant outside the knots."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)


def fit_isotonic(scores: np.ndarray, same: np.ndarray, prior: float | None = 0.5) -> Isotonic:
    """The best non-decreasing function in least squares: pool adjacent violators (Ayer et al. 1955).

    Args:
        scores: (n,).
        same: bool (n,).
        prior: share of genuine pairs in use; None: the share among these pairs.
    """
    values, flags = check_scores(scores, same)
    weights = class_weights(flags, prior)
    levels, group = np.unique(values, return_inverse=True)
    mass = np.bincount(group, weights=weights)
    means = np.bincount(group, weights=weights * flags) / mass
    blocks: list[list[float]] = []  # mean, mass, first level, last level
    for index, (mean, weight) in enumerate(zip(means.tolist(), mass.tolist(), strict=True)):
        blocks.append([mean, weight, index, index])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            right = blocks.pop()
            left = blocks[-1]
            total = left[1] + right[1]
            left[:] = [(left[0] * left[1] + right[0] * right[1]) / total, total, left[2], right[3]]
    knots: list[tuple[float, float]] = []
    for mean, _, first, last in blocks:
        knots += [(float(levels[int(at)]), mean) for at in dict.fromkeys((first, last))]
    return Isotonic(np.array([score for score, _ in knots]), np.array([mean for _, mean in knots]))
