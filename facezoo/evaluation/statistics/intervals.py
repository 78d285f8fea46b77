"""Confidence intervals of a share of independent trials."""

from __future__ import annotations

from facezoo.errors import ProtocolError


def _check(hits: int, trials: int, confidence: float) -> None:
    if trials < 1 or not 0 <= hits <= trials:
        raise ProtocolError(f"{hits} of {trials} is not a share; expected 0 <= hits <= trials and trials >= 1")
    if not 0.0 < confidence < 1.0:
        raise ProtocolError(f"confidence is {confidence}; expected a value between 0 and 1, such as 0.95")


def wilson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a binomial share (Wilson 1927, JASA 22:209).

    Args:
        hits: successes, 0..trials.
        trials: independent trials, 1 or more.
        confidence: in (0, 1).

    >>> [round(end, 4) for end in wilson(5970, 6000)]
    [0.9929, 0.9965]
    """
    _check(hits, trials, confidence)
    return _interval(hits, trials, confidence, "wilson")


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval (Clopper and Pearson 1934, Biometrika 26:404).

    Its coverage is never below ``confidence``.

    Args:
        hits: successes, 0..trials.
        trials: independent trials, 1 or more.
        confidence: in (0, 1).

    >>> [round(end, 4) for end in clopper_pearson(0, 10)]
    [0.0, 0.3085]
    """
    _check(hits, trials, confidence)
    return _interval(hits, trials, confidence, "exact")


def _interval(hits: int, trials: int, confidence: float, method: str) -> tuple[float, float]:
    from scipy import stats  # takes half a second to import

    interval = stats.binomtest(int(hits), int(trials)).proportion_ci(confidence, method)
    return float(interval.low), float(interval.high)
