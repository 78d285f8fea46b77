"""A safetensors file that several processes write together: each its own rows, none all of them in memory.

The file has the same contents for any number of processes. All must see the same folder.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facezoo.canonical.class_rows import ClassRows
from facezoo.checkpoints.weights import read_arrays
from facezoo.errors import CheckpointError

DTYPES = {"float64": "F64", "int64": "I64", "float32": "F32", "int32": "I32", "float16": "F16", "bool": "BOOL"}


def create_file(
    path: Path, arrays: Mapping[str, np.ndarray], rows: ClassRows, divided: set[str], metadata: Mapping[str, str]
) -> None:
    """Write the header, and reserve the space of all rows.

    Args:
        path: the new file.
        arrays: name -> array of this process.
        rows: the rows that it has of those that are divided.
        divided: names of the arrays with one row per class, of which each process has some.
        metadata: text by name, for the header.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for name, value in sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        shape = [rows.total, *value.shape[1:]] if name in divided else list(value.shape)
        size = int(np.prod(shape, dtype=np.int64)) * value.dtype.itemsize
        header[name] = {"dtype": DTYPES[str(value.dtype)], "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "xb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + start)


def write_rows(path: Path, arrays: Mapping[str, np.ndarray], rows: ClassRows, divided: set[str], whole: bool) -> None:
    """Write this process's rows into a file of :func:`create_file`, to the disk.

    Args:
        path: the file.
        arrays: name -> array of this process.
        rows: the rows that it has of those that are divided.
        divided: names of the arrays that are divided.
        whole: whether to write the other arrays too; one process does.
    """
    with open(path, "r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name, value in arrays.items():
            if name in divided or whole:
                value = np.ascontiguousarray(value)
                row = value.nbytes // max(len(value), 1) if name in divided else 0
                file.seek(8 + length + header[name]["data_offsets"][0] + rows.first * row)
                file.write(value.data.cast("B") if value.nbytes else b"")
        file.flush()
        os.fsync(file.fileno())


def read_part(path: Path, rows: ClassRows | None, divided: set[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of a safetensors file; of the divided arrays the rows of this process only.

    Args:
        path: written by one process or by several.
        rows: of this process; None reads everything.
        divided: names of the arrays with one row per class.

    Raises:
        CheckpointError: the file is missing, damaged, or of another number of classes.
    """
    if rows is None:
        return read_arrays(path)
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"no file {str(path)!r}")
    try:
        with safe_open(path, framework="numpy") as file:
            found = {}
            for name in file.keys():  # noqa: SIM118
                if name not in divided:
                    found[name] = file.get_tensor(name)
                    continue
                part = file.get_slice(name)
                if part.get_shape()[0] != rows.total:
                    raise CheckpointError(f"{str(path)!r} has {part.get_shape()[0]} classes; this run has {rows.total}")
                found[name] = np.array(part[rows.first : rows.end])
            return found, dict(file.metadata() or {})
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{str(path)!r} is not a readable safetensors file: {error}") from error
