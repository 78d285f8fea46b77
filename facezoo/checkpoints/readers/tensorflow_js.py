"""Models of TensorFlow.js: a JSON file that lists the arrays, and files of raw values beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from facezoo.errors import CheckpointError, UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.shapes import count_elements

TYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "|u1", "bool": "|b1"}
MAX_JSON = 64 << 20  # bytes; the graph of a network of this zoo has less than one MB


def is_tensorflow_js(head: bytes) -> bool:
    """Whether a file starts as a JSON object.

    >>> is_tensorflow_js(b'{ "format": "graph-model"'), is_tensorflow_js(b"PK")
    (True, False)
    """
    return head[:1] == b"{" and head[1:].lstrip()[:1] == b'"'


def read_tensorflow_js(path: Path) -> dict[str, np.ndarray]:
    """Name -> array; values that were stored as float16 stay float16.

    The files of values are read from the folder of the JSON file, and from nowhere else.

    Raises:
        UnsafeFileError: a file of values is named by a path, or its length does not fit the list.
        CheckpointError: the list or a file of values is missing, or a type is unknown.
    """
    if path.stat().st_size > MAX_JSON:
        raise UnsafeFileError(f"{str(path)!r} has {path.stat().st_size} bytes of JSON; expected up to {MAX_JSON}")
    content = json.loads(path.read_text(encoding="utf-8"))
    groups = content.get("weightsManifest")
    if not isinstance(groups, list):
        raise CheckpointError(f"{str(path)!r} is JSON without weightsManifest; expected a model of TensorFlow.js")
    tensors: dict[str, np.ndarray] = {}
    for group in groups:
        values = b"".join(_values(path, name) for name in group["paths"])
        for name, array in _arrays(group["weights"], values):
            if name in tensors:
                raise UnsafeFileError(f"{str(path)!r} lists {name[:80]!r} twice")
            tensors[name] = array
    return tensors


def _values(path: Path, name: Any) -> bytes:
    if not isinstance(name, str) or PureWindowsPath(name).name != name or name in ("", ".", ".."):
        raise UnsafeFileError(f"{str(path)!r} names the file of values {describe(name)}; expected a plain file name")
    place = path.with_name(name)
    if not place.is_file():
        raise CheckpointError(f"{str(path)!r} needs the file {name!r} beside it")
    return place.read_bytes()


def _arrays(listed: list[dict[str, Any]], values: bytes) -> Iterator[tuple[str, np.ndarray]]:
    start = 0
    for entry in listed:
        name, kind = entry["name"], (entry.get("quantization") or entry)["dtype"]
        stored = TYPES.get(kind)
        if stored is None or (kind != entry["dtype"] and kind != "float16"):
            raise CheckpointError(f"{name} is stored as {describe(kind)}; expected {', '.join(TYPES)}, not quantised")
        count = count_elements(entry["shape"])
        end = start + count * np.dtype(stored).itemsize
        if end > len(values):
            raise UnsafeFileError(f"{name} ends at byte {end}; its files have {len(values)}")
        yield str(name), np.frombuffer(values[start:end], stored).reshape(entry["shape"])
        start = end
    if start != len(values):
        raise UnsafeFileError(f"the files of values have {len(values) - start} bytes after the last array")
