"""Weights in NumPy archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facezoo.io import numpy_files as arrays

MAX_RATIO = 100  # random weights hardly compress; zeros do, to about a thousandth


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Name -> array of numbers.

    Raises:
        UnsafeFileError: an array holds Python objects, or the archive unpacks to more than a hundred times its size.
        DataError: it is damaged.
    """
    return arrays.read_npz(path, kinds="fiub", max_ratio=MAX_RATIO)
