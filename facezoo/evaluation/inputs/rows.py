"""Embeddings that do not fit in memory, read in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from facezoo.download.urls import local_path
from facezoo.errors import DataError, ShapeError
from facezoo.io.files import file_hash


class NpyRows:
    """The rows of a two-dimensional ``.npy`` file, read on demand.

    Args:
        path: the file, in C order.

    Raises:
        DataError: the file is missing, truncated, or not such an array.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = local_path(path)
        try:
            with open(self.path, "rb") as handle:
                version = np.lib.format.read_magic(handle)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                self.shape, fortran, self.dtype = read(handle)
                self._start = handle.tell()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read embeddings {str(path)!r}: {error}") from error
        if len(self.shape) != 2 or fortran or self.dtype.kind != "f":
            raise DataError(
                f"{str(path)!r} contains {self.dtype} {self.shape}{' in Fortran order' if fortran else ''}; "
                "expected floats (N, E) in C order"
            )
        if self.path.stat().st_size < self._start + int(np.prod(self.shape)) * self.dtype.itemsize:
            raise DataError(f"{str(path)!r} is truncated: it ends before its {self.shape[0]} rows")

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return file_hash(self.path)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop, (stop - start, E)."""
        width = self.shape[1]
        values = np.fromfile(
            self.path,
            self.dtype,
            count=(stop - start) * width,
            offset=self._start + start * width * self.dtype.itemsize,
        )
        return values.reshape(-1, width)


def iterate_rows(source: np.ndarray | NpyRows, chunk: int = 8192) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, rows (n, E)) of an array or a file, n <= chunk.

    Raises:
        ShapeError: an array is not two-dimensional.
    """
    if isinstance(source, NpyRows):
        for start in range(0, len(source), chunk):
            yield start, source.read(start, min(start + chunk, len(source)))
        return
    array = np.asarray(source)
    if array.ndim != 2:
        raise ShapeError(f"embeddings have shape {array.shape}; expected (N, E)")
    for start in range(0, len(array), chunk):
        yield start, array[start : start + chunk]
