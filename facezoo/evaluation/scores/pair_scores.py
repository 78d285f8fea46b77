"""Cosine similarity of listed pairs."""

from __future__ import annotations

import numpy as np

from facezoo.errors import ShapeError
from facezoo.inference.embeddings import normalise


def pair_scores(embeddings: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine of each pair, float64 (n,), summed in float64.

    Args:
        embeddings: (N, E), any length.
        first: int (n,), rows of the first images.
        second: int (n,), rows of the second images.
    """
    unit = normalise(embeddings)
    left, right = np.asarray(first), np.asarray(second)
    for side in (left, right):
        if len(side) and not 0 <= side.min() <= side.max() < len(unit):
            raise ShapeError(f"a pair names row {int(side.max())}; there are {len(unit)} embeddings")
    out = np.empty(len(left))
    for start in range(0, len(out), 65536):
        rows = slice(start, start + 65536)
        out[rows] = np.einsum("ne,ne->n", unit[left[rows]].astype(np.float64), unit[right[rows]], dtype=np.float64)
    return out
