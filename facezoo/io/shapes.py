"""The shape of an array as a file from outside states it."""

from __future__ import annotations

import math
from typing import Any

from facezoo.errors import UnsafeFileError
from facezoo.io.describe import describe

MAX_SIDES = 32  # dimensions; NumPy 1 allows no more
MAX_SIDE = 1 << 48  # elements along one dimension


def count_elements(shape: Any) -> int:
    """The number of elements of a shape: the product of its sides, 1 for ().

    Raises:
        UnsafeFileError: it is not a tuple or list of at most ``MAX_SIDES`` integers from 0 to ``MAX_SIDE``.
    """
    if not isinstance(shape, tuple | list):
        raise UnsafeFileError(f"a shape is {describe(shape)}; expected a tuple of integers")
    if len(shape) > MAX_SIDES:
        raise UnsafeFileError(f"a shape has {len(shape)} sides; expected at most {MAX_SIDES}")
    for side in shape:
        if type(side) is not int or not 0 <= side <= MAX_SIDE:
            raise UnsafeFileError(f"a side of a shape is {describe(side)}; expected an integer from 0 to {MAX_SIDE}")
    return math.prod(shape)
