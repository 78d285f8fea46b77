"""safetensors files; every number in the header is checked against the file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import CheckpointError, UnsafeFileError
from facezoo.io.bfloat16 import decode_bfloat16
from facezoo.io.describe import describe
from facezoo.io.shapes import count_elements

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "|b1",
}  # fmt: skip
MAX_HEADER = 100_000_000  # bytes; the format's own limit


def is_safetensors(head: bytes, size: int) -> bool:
    """Whether a file starts with the length of a header that fits, and a header that starts as a JSON object.

    The length may begin with any byte, also with those of a zip archive or a pickle. Neither can be mistaken for
    safetensors: read as a length, the first 8 bytes of a zip archive are above ``MAX_HEADER``, and byte 8 of a pickle
    that is small enough is not a brace.

    Args:
        head: the first bytes, at least 9.
        size: bytes of the file.
    """
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= min(size - 8, MAX_HEADER)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Name -> array; bfloat16 becomes float32.

    Raises:
        UnsafeFileError: a length or an offset does not match the file.
        CheckpointError: the header is not a JSON object, or a type is unknown.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        if length > min(size - 8, MAX_HEADER):
            raise UnsafeFileError(f"{str(path)!r} states a header of {length} bytes; the file has {size}")
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_once)
        if not isinstance(header, dict):
            raise CheckpointError(f"{str(path)!r} has a header that is not a JSON object")
        header.pop("__metadata__", None)
        start, data = 8 + length, size - 8 - length
        tensors, end = {}, 0
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = entry["data_offsets"]
            if type(first) is not int or type(last) is not int or first != end or last < first or last > data:
                raise UnsafeFileError(
                    f"{str(path)!r}: {name[:80]!r} is at {describe(first)} to {describe(last)}; expected from {end} on"
                )
            file.seek(start + first)
            tensors[name] = _array(name, entry, file.read(last - first))
            end = last
    if end != data:
        raise UnsafeFileError(f"{str(path)!r} has {data - end} bytes after its last tensor")
    return tensors


def _array(name: str, entry: dict[str, Any], raw: bytes) -> np.ndarray:
    kind, shape = entry["dtype"], entry["shape"]
    if kind not in TYPES:
        raise CheckpointError(f"{name} has type {describe(kind)}; expected one of {', '.join(TYPES)}")
    count = count_elements(shape)
    values = np.frombuffer(raw, TYPES[kind])
    if count != values.size:
        raise UnsafeFileError(f"{name} has {values.size} values for shape {shape}")
    if kind == "BF16":
        values = decode_bfloat16(values)
    return values.reshape(shape).copy()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise UnsafeFileError("a safetensors header names a tensor twice")
    return table
