"""bfloat16, which NumPy does not have: the upper 16 bits of a float32."""

from __future__ import annotations

import numpy as np


def decode_bfloat16(bits: np.ndarray) -> np.ndarray:
    """uint16 bit patterns, of any shape, as float32.

    >>> decode_bfloat16(np.array([0x3FC0], np.uint16)).tolist()
    [1.5]
    """
    return (bits.astype(np.uint32) << 16).view(np.float32)


def round_to_bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 values, of any shape, rounded to the nearest that bfloat16 can hold, ties to even; stays float32.

    >>> round_to_bfloat16(np.float32([1.00390625])).tolist()
    [1.0]
    """
    bits = values.view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) & np.uint32(0xFFFF0000)).view(np.float32)
