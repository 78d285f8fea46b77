"""Constant tables of windowed attention, the same for both backends."""

from __future__ import annotations

import numpy as np


def relative_index(window: int) -> np.ndarray:
    """Row of the bias table for each pair of tokens in a window.

    Args:
        window: side of the window, T = window * window tokens.

    Returns:
        int64 (T * T,), values 0..(2 window - 1)^2 - 1.

    >>> relative_index(2)[:4]
    array([4, 3, 1, 0])
    """
    rows, columns = np.divmod(np.arange(window * window), window)
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return (down * (2 * window - 1) + right).reshape(-1).astype(np.int64)


def shift_mask(size: tuple[int, int], window: int, shift: int) -> np.ndarray:
    """Values added to the scores so that tokens attend only to those that were neighbours before the shift.

    Args:
        size: (H, W) of the map, multiples of the window.
        window: its side.
        shift: rows and columns by which the map was rolled.

    Returns:
        float32 (windows, T, T): 0 or -100.
    """
    regions = [
        np.where(np.arange(side) < side - window, 0, np.where(np.arange(side) < side - shift, 1, 2)) for side in size
    ]
    region = regions[0][:, None] * 3 + regions[1][None, :]  # (H, W)
    region = region.reshape(size[0] // window, window, size[1] // window, window)
    region = region.transpose(0, 2, 1, 3).reshape(-1, window * window)
    return np.where(region[:, None, :] != region[:, :, None], -100.0, 0.0).astype(np.float32)
