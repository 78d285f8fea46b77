"""An approximate index of rows, by faiss: finds candidates whose products are then computed exactly.

Rows are grouped around centres found by k-means, and stored as one byte per value; a query looks into the nearest
groups only (Jégou et al., "Product quantization for nearest neighbor search", 2011; the inverted file of section IV).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import ConfigError, DataError
from facezoo.io.files import atomic_write

MINIMUM = 1000  # rows below which a search in all of them is as fast
SAMPLE = 40  # rows per centre that k-means sees
LEAST, SHARE = 64, 12  # a query looks into a twelfth of the groups, at least 64


def available() -> bool:
    """Whether faiss is installed."""
    return importlib.util.find_spec("faiss") is not None


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ConfigError("the index of a gallery needs faiss: pip install 'facezoo[search]'") from error
    return faiss


def build_index(path: Path, rows: np.ndarray, keys: np.ndarray, *, seed: int = 0, block: int = 1 << 15) -> None:
    """Write the index of rows.

    Args:
        path: the file.
        rows: (N, E) float32 of unit length, as of :func:`facezoo.inference.vectors.map_rows`.
        keys: numbers of the rows to include, sorted; at least ``MINIMUM``.
        seed: of the sample that k-means sees.
        block: rows added at once.

    Raises:
        ConfigError: faiss is not installed, or there are too few rows.
    """
    faiss = _faiss()
    if len(keys) < MINIMUM:
        raise ConfigError(f"the gallery has {len(keys)} persons; an index needs {MINIMUM}, below that it saves no time")
    groups = min(int(4 * math.sqrt(len(keys))), len(keys) // SAMPLE)
    quantiser = faiss.IndexFlatIP(rows.shape[1])
    index = faiss.IndexIVFScalarQuantizer(
        quantiser, rows.shape[1], groups, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    sample = np.random.default_rng(seed).choice(keys, SAMPLE * groups, replace=False)
    index.train(np.ascontiguousarray(rows[np.sort(sample)]))
    for start in range(0, len(keys), block):
        part = keys[start : start + block]
        index.add_with_ids(np.ascontiguousarray(rows[part]), part)
    with atomic_write(path) as temporary:
        faiss.write_index(index, str(temporary))


def remove_from_index(path: Path, keys: Sequence[int]) -> None:
    """Delete rows from the index file.

    Raises:
        ConfigError: faiss is not installed.
        DataError: the file is damaged.
    """
    faiss = _faiss()
    index = _read(path)
    index.remove_ids(np.asarray(keys, np.int64))
    with atomic_write(path) as temporary:
        faiss.write_index(index, str(temporary))


class VectorIndex:
    """An index file, memory-mapped: a query reads the groups that it looks into.

    Args:
        path: a file of :func:`build_index`.

    Raises:
        ConfigError: faiss is not installed.
        DataError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._index = _read(path, mapped=True)

    def candidates(self, queries: np.ndarray, count: int, groups: int = 0) -> np.ndarray:
        """Numbers of rows (Q, count) int64 that are probably the nearest; -1 where fewer were found.

        Args:
            queries: (Q, E) float32.
            count: 1 or more.
            groups: groups that are looked into; more find more and take longer; 0 chooses by their number.
        """
        self._index.nprobe = groups or max(LEAST, self._index.nlist // SHARE)
        found: np.ndarray = self._index.search(np.ascontiguousarray(queries, np.float32), count)[1]
        return found


def _read(path: Path, *, mapped: bool = False) -> Any:
    faiss = _faiss()
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP if mapped else 0)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is not a readable index ({reason}); make it again: facezoo gallery index") from error
