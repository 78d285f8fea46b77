"""A file of float32 rows that grows, and the exact search in it: one matrix product per block of rows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from facezoo.errors import DataError

BLOCK = 1 << 15  # most rows per product; 64 MB at 512 values


def append_rows(path: Path, start: int, rows: np.ndarray) -> None:
    """Write rows (N, E) float32 from row ``start`` on, and wait until they are on disk.

    What stands there from an interrupted call is overwritten.
    """
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(4 * start * rows.shape[1])
        file.write(np.ascontiguousarray(rows, "<f4").tobytes())
        file.flush()
        os.fsync(file.fileno())


def erase_rows(path: Path, size: int, rows: Iterable[int]) -> None:
    """Overwrite rows of ``size`` values with zeros, so that the embeddings are no longer in the file."""
    blank = bytes(4 * size)
    with path.open("r+b") as file:
        for row in rows:
            file.seek(4 * row * size)
            file.write(blank)
        file.flush()
        os.fsync(file.fileno())


def map_rows(path: Path, count: int, size: int) -> np.ndarray:
    """The first ``count`` rows as a memory-mapped array (count, size) float32, read-only.

    Raises:
        DataError: the file is missing or shorter.
    """
    if count == 0:
        return np.zeros((0, size), np.float32)
    found = path.stat().st_size if path.is_file() else 0
    if found < 4 * count * size:
        raise DataError(f"{path} has {found} bytes; expected {4 * count * size}, {count} rows of {size} float32 values")
    return np.memmap(path, "<f4", "r", shape=(count, size))


def best_rows(
    rows: np.ndarray, queries: np.ndarray, top: int, *, without: np.ndarray, start: int = 0, block: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The rows with the largest products with each query; exact.

    Args:
        rows: (N, E) float32, as of :func:`map_rows`.
        queries: (Q, E) float32.
        top: 1 or more.
        without: numbers of rows that are left out, sorted.
        start: rows before it are left out.
        block: rows per product; 0 chooses by the number of queries.

    Returns:
        numbers of rows (Q, K) int64 and their products (Q, K) float32, the largest first; of equal ones the row of
        lower number; K is ``top``, or the number of rows that are not left out.
    """
    block = block or min(BLOCK, max(256, (1 << 22) // max(1, len(queries))))
    found = np.zeros((len(queries), 0), np.int64)
    scores = np.zeros((len(queries), 0), np.float32)
    for first in range(start, len(rows), block):
        part = queries @ rows[first : first + block].T  # (Q, block)
        low, high = np.searchsorted(without, (first, first + part.shape[1]))
        part[:, without[low:high] - first] = -np.inf
        kept = min(top, part.shape[1])
        columns = np.argpartition(-part, kept - 1, axis=1)[:, :kept]
        found = np.concatenate([found, columns + first], axis=1)
        scores = np.concatenate([scores, np.take_along_axis(part, columns, axis=1)], axis=1)
        order = np.lexsort((found, -scores), axis=1)[:, :top]
        found, scores = np.take_along_axis(found, order, axis=1), np.take_along_axis(scores, order, axis=1)
    valid = int(np.isfinite(scores).sum(axis=1).min(initial=top))
    return found[:, :valid], scores[:, :valid]
