"""Paddle's format: one pickle of names and NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.checkpoints.readers.placeholders import CheckpointUnpickler
from facezoo.errors import UnsafeFileError
from facezoo.io.bfloat16 import decode_bfloat16
from facezoo.io.shapes import count_elements
from facezoo.io.unpickle import resolved

NAME_TABLE = "StructuredToParameterName@@"
BIG = "UnpackBigParamInfor@@"


def _data(expression: Any, names: Any = None, *more: Any) -> Any:
    """Paddle writes some arrays as ``eval("data", {"data": array})``; no other call is accepted."""
    if expression != "data" or not isinstance(names, dict) or set(names) != {"data"} or more:
        raise UnsafeFileError("it asks for builtins.eval, which weights do not need; nothing of it was run")
    return names["data"]


def read_paddle(path: Path) -> Any:
    """Read what ``paddle.save`` wrote.

    Raises:
        UnsafeFileError: the pickle asks for more than plain values and arrays.
        DataError: it is damaged.
    """
    names = {("builtins", "eval"): _data, ("__builtin__", "eval"): _data}
    with path.open("rb") as file:
        unpickler = CheckpointUnpickler(file, str(path), names, encoding="latin1")
        tree = resolved(unpickler.load(), str(path), unpickler.budget)
        if file.read(1):
            raise UnsafeFileError(f"{str(path)!r} has more bytes after its pickle")
    return _joined(_unnamed(tree))


def _unnamed(tree: Any, depth: int = 0) -> Any:
    """Newer files hold tensors as (name, array) pairs, and a table of these names, which is not a weight."""
    if isinstance(tree, Mapping) and depth < 3:
        return {key: _unnamed(value, depth + 1) for key, value in tree.items() if key != NAME_TABLE}
    if isinstance(tree, list) and len(tree) == 2 and isinstance(tree[0], str) and isinstance(tree[1], np.ndarray):
        tree = tree[1]
    if isinstance(tree, np.ndarray) and tree.dtype == np.uint16:  # how paddle.save writes bfloat16
        return decode_bfloat16(tree)
    return tree


def _joined(tree: Any) -> Any:
    """Join the slices in which paddle.save writes an array too large for one entry of a pickle."""
    if not isinstance(tree, dict) or BIG not in tree:
        return tree
    for name, parts in tree.pop(BIG).items():
        slices = [tree.pop(piece) for piece in parts["slices"]]
        if not all(isinstance(piece, np.ndarray) for piece in slices):
            raise UnsafeFileError("a slice of a large array is not an array")
        count_elements(parts["OriginShape"])
        tree[name] = np.concatenate(slices).reshape(parts["OriginShape"])
    return tree
