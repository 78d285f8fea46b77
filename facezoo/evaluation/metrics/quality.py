"""Error-versus-reject curves: how well a quality score predicts which images fail.

Grother and Tabassi 2007, "Performance of biometric quality measures". Meng et al. 2021 (MagFace) use the length
of an embedding as its quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facezoo.errors import NumericalError, ProtocolError, ShapeError
from facezoo.evaluation.scores.checks import check_scores
from facezoo.evaluation.scores.roc import Roc, threshold_at_far


@dataclass(frozen=True)
class RejectCurve:
    """FNMR of the genuine pairs that remain when the pairs of lowest quality are rejected.

    Attributes:
        reject: float64 (R,), share of genuine pairs rejected.
        fnmr: float64 (R,), of the remaining ones, at the threshold of the whole set.
        area: area under the curve divided by the range of the shares, that is the mean FNMR. Lower is better.
        random: FNMR without rejection, which is the curve of a random quality.
        threshold: the shared threshold.
    """

    reject: np.ndarray
    fnmr: np.ndarray
    area: float
    random: float
    threshold: float


def pair_quality(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The quality of each pair, float64 (n,): the lower quality of its two images."""
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != two.shape:
        raise ShapeError(f"qualities have shapes {one.shape} and {two.shape}; expected the same")
    return np.minimum(one, two)


def error_versus_reject(
    scores: np.ndarray,
    same: np.ndarray,
    quality: np.ndarray,
    *,
    fmr: float = 1e-3,
    reject: Sequence[float] | np.ndarray | None = None,
) -> RejectCurve:
    """The exact curve. Among pairs of equal quality the errors are distributed evenly.

    Args:
        scores: (n,), higher is more similar.
        same: bool (n,).
        quality: float (n,) of each pair, higher is better; see :func:`pair_quality`.
        fmr: defines the threshold on all impostor pairs, in (0, 1].
        reject: shares in [0, 1), ascending; by default 0, 0.01 .. 0.95.

    Raises:
        ProtocolError: there are too few impostor pairs for this FMR, or a share is out of range.
    """
    values, flags = check_scores(scores, same)
    worth = np.asarray(quality, np.float64)
    if worth.shape != values.shape:
        raise ShapeError(f"quality has shape {worth.shape}; expected {values.shape}, one per pair")
    if not np.isfinite(worth).all():
        raise NumericalError("a quality is NaN or infinite; expected finite values")
    roc = Roc.from_scores(values, flags)
    if not roc.supports(fmr):
        raise ProtocolError(roc.unsupported(fmr))
    shares = np.linspace(0, 0.95, 96) if reject is None else np.asarray(reject, np.float64)
    if len(shares) < 2 or shares[0] < 0 or shares[-1] >= 1 or (np.diff(shares) <= 0).any():
        raise ProtocolError(f"reject is {shares[:3]}..; expected at least 2 ascending shares in [0, 1)")
    threshold = threshold_at_far(values[~flags], fmr)
    levels, group = np.unique(worth[flags], return_inverse=True)
    pairs = np.concatenate([[0], np.cumsum(np.bincount(group))])
    wrong = np.bincount(group, weights=values[flags] < threshold, minlength=len(levels))
    errors = np.concatenate([[0], np.cumsum(wrong)])
    gone = np.interp(shares * pairs[-1], pairs, errors)
    fnmr = (errors[-1] - gone) / (pairs[-1] * (1 - shares))
    area = float(np.diff(shares) @ (fnmr[1:] + fnmr[:-1]) / 2 / (shares[-1] - shares[0]))
    return RejectCurve(shares, fnmr, area, float(errors[-1] / pairs[-1]), threshold)
