"""Scores as float32 that do not depend on how the work was cut."""

from __future__ import annotations

import numpy as np

# Added and taken away again, this rounds a float64 to 30 binary places. Orthogonal rows then score 0 and not
# the residue of a sum, which depends on the order of its terms.
_ROUNDER = 1.5 * 2.0**22


def rounded(scores: np.ndarray) -> np.ndarray:
    """Cosines, float64 of any shape, rounded to 30 binary places and then to float32."""
    return ((scores + _ROUNDER) - _ROUNDER).astype(np.float32)


def product(left: np.ndarray, right: np.ndarray, *, places: bool = True) -> np.ndarray:
    """All scores of rows (n, E) with rows (m, E), float32 (n, m).

    Args:
        left: of the type in which products are summed.
        right: of the same type.
        places: round float64 sums to 30 binary places first: for cosines.
    """
    scores = left @ right.T
    out = np.empty(scores.shape, np.float32)
    with np.errstate(over="ignore"):  # told by the caller, with a reason
        for start in range(0, len(scores), 64):  # small enough to stay in the cache
            rows = scores[start : start + 64]
            if places:
                rows += _ROUNDER
                rows -= _ROUNDER
            out[start : start + 64] = rows
    return out


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """:func:`product` of unit rows, summed in float64: equal pairs of rows give equal scores."""
    return product(left.astype(np.float64), right.astype(np.float64))
