"""Checks and L2 normalisation of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from facezoo.errors import NumericalError, ShapeError


def _rows(bad: Any) -> str:
    """'row 7' or 'rows 7, 9, 12 and 4 more'."""
    found = np.flatnonzero(bad)
    shown = ", ".join(str(int(index)) for index in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"row{'s' if len(found) > 1 else ''} {shown}{more}"


def check_embeddings(embeddings: np.ndarray, *, what: str = "embeddings") -> np.ndarray:
    """The embeddings as a float array (N, E), checked for NaN, infinity and zero rows.

    Raises:
        ShapeError: not two-dimensional, or empty.
        NumericalError: a row holds NaN or infinity, or is all zeros and therefore has no direction.
    """
    array = np.asarray(embeddings)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError(f"{what} have shape {array.shape}; expected (N, E) with N and E of at least 1")
    if array.dtype.kind not in "fiu":
        raise ShapeError(f"{what} have dtype {array.dtype}; expected numbers (float32)")
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        array = array.astype(np.float32)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise NumericalError(f"{what}: {_rows(~finite)} of {len(array)} hold NaN or infinity; expected finite values")
    zero = ~array.any(axis=1)
    if zero.any():
        raise NumericalError(f"{what}: {_rows(zero)} of {len(array)} are all zeros; a zero embedding has no direction")
    return array


def normalise(embeddings: np.ndarray, *, what: str = "embeddings") -> np.ndarray:
    """L2-normalise rows: checked, computed in float64, returned as float32 (N, E).

    The result of a row depends only on that row.
    """
    array = check_embeddings(embeddings, what=what)
    out = np.empty(array.shape, np.float32)
    for start in range(0, len(array), 8192):
        block = array[start : start + 8192].astype(np.float64)
        scale = np.abs(block).max(axis=1, keepdims=True)  # so that squares neither overflow nor underflow
        block /= scale
        out[start : start + 8192] = block / np.sqrt(np.einsum("ne,ne->n", block, block))[:, None]
    return out
