"""A state dictionary for ``paddle.load``, written without paddle."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from facezoo.canonical.leaf import TRANSPOSED, Leaf
from facezoo.checkpoints.foreign.base import native_entry
from facezoo.checkpoints.foreign.imported import leaves_of
from facezoo.checkpoints.weights import WeightFile
from facezoo.errors import CheckpointError
from facezoo.io.bfloat16 import round_to_bfloat16

PROTOCOL = 4  # of the pickle; the one that paddle.save writes


def write_paddle_file(file: WeightFile, path: Path, precision: str) -> None:
    """Write the weights with paddle's names and layouts, as ``paddle.save`` writes a state dictionary.

    Names and layouts depend on the types of the layers, which any installed framework gives.

    Args:
        file: the weights.
        path: the file.
        precision: "float32", "float16" or "bfloat16"; the values must be rounded already or are rounded here.

    Raises:
        BackendUnavailableError: no framework is installed.
        CheckpointError: a tensor of the backbone is missing.
    """
    table: dict[str, np.ndarray] = {}
    for leaf in leaves_of(file.spec):
        if leaf.name not in file.state:
            raise CheckpointError(f"the weights lack {leaf.name}, a tensor of {file.spec.name}")
        table[_native_name(leaf)] = _native_value(leaf, np.asarray(file.state[leaf.name]), precision)
    with path.open("wb") as stream:
        pickle.dump(table, stream, protocol=PROTOCOL)


def _native_name(leaf: Leaf) -> str:
    return leaf.name.removesuffix(leaf.entry) + native_entry("paddle", leaf)


def _native_value(leaf: Leaf, value: np.ndarray, precision: str) -> np.ndarray:
    value = value.reshape(leaf.shape)
    if ("paddle", leaf.layer, leaf.entry) in TRANSPOSED:
        value = value.T
    if value.dtype.kind != "f":
        return np.ascontiguousarray(value)
    if precision == "bfloat16":
        bits = round_to_bfloat16(value.astype(np.float32)).view(np.uint32) >> 16
        return np.ascontiguousarray(bits.astype(np.uint16))  # as paddle stores bfloat16
    return np.ascontiguousarray(value, dtype=precision)
