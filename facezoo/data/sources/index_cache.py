"""Indexes of large data sets, kept in the cache folder: which images there are, and their labels."""

from __future__ import annotations

import hashlib
import logging
import os
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from facezoo.download import cache
from facezoo.io.files import atomic_write

logger = logging.getLogger(__name__)

LARGE = 100_000  # images from which an index is stored
SETTLED = 2_000_000_000  # nanoseconds; a file changed later than this before the index may change again unnoticed


class Strings:
    """Many texts in two arrays, a quarter of the memory of a list.

    Args:
        values: uint8 (b,), the texts in UTF-8, one after the other.
        ends: int64 (n,), where each ends.
    """

    def __init__(self, values: np.ndarray, ends: np.ndarray) -> None:
        self.values, self.ends = values, ends

    @classmethod
    def pack(cls, texts: Iterable[str]) -> Strings:
        """From texts, which may hold undecodable bytes of file names (surrogates)."""
        values, ends = bytearray(), []
        for text in texts:
            values += text.encode("utf-8", "surrogateescape")
            ends.append(len(values))
        return cls(np.frombuffer(bytes(values), np.uint8), np.array(ends, np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        index = range(len(self.ends))[index]
        start = self.ends[index - 1] if index else 0
        return self.values[start : self.ends[index]].tobytes().decode("utf-8", "surrogateescape")


def load(path: Path) -> dict[str, np.ndarray]:
    """The stored index of a file or folder, empty where there is none; whether it is still right the caller checks."""
    try:
        with _file(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}


def store(path: Path, arrays: Mapping[str, np.ndarray], newest: int) -> None:
    """Keep an index, unless the data have just been changed; without effect where the cache cannot be written.

    Args:
        path: the file or folder.
        arrays: name -> values.
        newest: when the data were last changed, in nanoseconds.
    """
    if time.time_ns() - newest < SETTLED:
        return
    target = _file(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as part, part.open("wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    except OSError as error:
        logger.debug("the index of %s is not kept: %s", path, error)


def _file(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
    return cache.root() / "indexes" / f"{name}.npz"
