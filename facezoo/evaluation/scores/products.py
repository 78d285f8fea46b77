"""Scores as float32 that do not depend on the order or the blocks in which they are computed."""

from __future__ import annotations

import numpy as np

# Adding and subtracting this value rounds a float64 to 30 binary places. Orthogonal rows then score 0 instead of
# the rounding error of a sum, which depends on the order of its terms.
_ROUNDER = 1.5 * 2.0**22


def rounded(scores: np.ndarray) -> np.ndarray:
    """Cosines, float64 of any shape, rounded to 30 binary places and then to float32."""
    return ((scores + _ROUNDER) - _ROUNDER).astype(np.float32)


def product(left: np.ndarray, right: np.ndarray, *, places: bool = True) -> np.ndarray:
    """All scores of rows (n, E) with rows (m, E), float32 (n, m).

    Args:
        left: (n, E), of the dtype in which products are summed.
        right: (m, E), of the same dtype.
        places: round float64 sums to 30 binary places first; used for cosines.
    """
    scores = left @ right.T
    out = np.empty(scores.shape, np.float32)
    with np.errstate(over="ignore"):  # the caller reports it
        for start in range(0, len(scores), 64):  # small enough for the cache
            rows = scores[start : start + 64]
            if places:
                rows += _ROUNDER
                rows -= _ROUNDER
            out[start : start + 64] = rows
    return out


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """:func:`product` of unit rows, summed in float64: equal pairs of rows give equal scores."""
    return product(left.astype(np.float64), right.astype(np.float64))


def listed_cosines(rows: np.ndarray, first: np.ndarray, second: np.ndarray, block: int = 2048) -> np.ndarray:
    """Scores of listed pairs of unit rows, float32 (n,): whole tiles where there are many pairs, else one by one.

    Args:
        rows: (N, E), unit length.
        first: int (n,), row of the first image of each pair.
        second: int (n,), row of the second image.
        block: rows and columns of a tile.
    """
    out = np.empty(len(first), np.float32)
    across = -(-len(rows) // block)
    # a pair and its reverse have the same score, so only tiles on and above the diagonal are needed
    tile = np.minimum(first, second) // block * across + np.maximum(first, second) // block
    order = np.argsort(tile.astype(np.uint16) if across <= 255 else tile, kind="stable")
    tiles, starts = np.unique(tile[order], return_index=True)
    for number, start, stop in zip(tiles.tolist(), starts, [*starts[1:], len(order)], strict=True):
        at = order[start:stop]
        low, high = np.minimum(first[at], second[at]), np.maximum(first[at], second[at])
        row, column = number // across * block, number % across * block
        if len(at) * 64 < block * block:
            out[at] = _one_by_one(rows, low, high)
        else:
            out[at] = cosines(rows[row : row + block], rows[column : column + block])[low - row, high - column]
    return out


def _one_by_one(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    out = np.empty(len(first), np.float32)
    for start in range(0, len(out), 4096):
        part = slice(start, start + 4096)
        out[part] = rounded(np.einsum("ne,ne->n", rows[first[part]].astype(np.float64), rows[second[part]]))
    return out
