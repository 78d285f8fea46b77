"""Checks of the input of every evaluation: shapes, finite values, both kinds of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facezoo.errors import NumericalError, ProtocolError, ShapeError


def check_scores(scores: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n,) as float64 and ``same`` (n,) as bool.

    Raises:
        ShapeError: not one-dimensional, or of different lengths.
        NumericalError: a score is NaN or infinite.
        ProtocolError: ``same`` holds values other than 0 and 1, or only one kind of pair.
    """
    values = np.asarray(scores)
    flags = np.asarray(same)
    if values.ndim != 1 or flags.ndim != 1:
        raise ShapeError(f"scores {values.shape} and same {flags.shape}; expected two arrays of shape (n,)")
    if len(values) != len(flags):
        raise ShapeError(f"{len(values)} scores but {len(flags)} same flags; expected one flag per score")
    if values.dtype.kind not in "fiu":
        raise ShapeError(f"scores have dtype {values.dtype}; expected numbers")
    if flags.dtype != bool:
        if not np.isin(flags, (0, 1)).all():
            odd = flags[~np.isin(flags, (0, 1))][0]
            raise ProtocolError(f"same holds {odd!r}; expected True/False or 1/0")
        flags = flags.astype(bool)
    values = values.astype(np.float64, copy=False)
    if not np.isfinite(values).all():
        index = int(np.flatnonzero(~np.isfinite(values))[0])
        raise NumericalError(f"score {index} of {len(values)} is {values[index]}; expected finite values")
    if flags.all() or not flags.any():
        kind = "genuine" if len(flags) and flags.all() else "impostor"
        raise ProtocolError(f"all {len(flags)} pairs are {kind}; verification needs both kinds")
    return values, flags


def encode_labels(labels: Sequence[object] | np.ndarray, count: int, *, what: str = "labels") -> np.ndarray:
    """Identities of any kind (numbers or names) as int64 codes (N,), in sorted order.

    Raises:
        ShapeError: not one label per embedding.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != count:
        raise ShapeError(f"{what} have shape {array.shape}; expected ({count},), one per embedding")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def check_far(far: Sequence[float] | float) -> tuple[float, ...]:
    """Wanted false-accept rates as a tuple, each in (0, 1].

    Raises:
        ProtocolError: a rate is out of range.
    """
    rates = tuple(float(rate) for rate in np.atleast_1d(np.asarray(far, dtype=np.float64)))
    for rate in rates:
        if not 0.0 < rate <= 1.0:
            raise ProtocolError(f"far is {rate}; expected a rate above 0 and at most 1, such as 1e-4")
    return rates


def allowed(rate: float, total: int) -> int:
    """The largest count whose share of ``total`` is at most ``rate``, compared as floating-point shares.

    >>> allowed(1e-3, 3000), allowed(0.1, 3), allowed(1.0, 5)
    (3, 0, 5)
    """
    count = min(total, int(rate * total) + 1)
    while count > 0 and count / total > rate:
        count -= 1
    return count
