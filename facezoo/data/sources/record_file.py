"""Random access to the records of a ``.rec`` file by their numbers."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from facezoo.data.sources.record_framing import MAGIC, RecordHeader, part_header, read_record, unpack_header
from facezoo.errors import DataError

_BLOCK = 1 << 16  # headers read at a time
_PEEK = 64  # bytes that hold a record's framing and header unless its label array is long


class RecordFile:
    """A ``.rec`` file and its ``.idx``. Picklable; each process opens the file itself.

    Args:
        path: the ``.rec`` file. If there is no ``.idx``, the file is read through once.
        table: numbers and offsets of the records as read before, ascending; None reads them.

    Attributes:
        numbers: int64 (r,), the record numbers, ascending.
        offsets: int64 (r,), where each record begins.

    Raises:
        DataError: a file is missing, cut off, or the two do not match.
    """

    def __init__(self, path: Path, table: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        self.path = path
        self._fd: int | None = None
        self._size = self._length()
        if table is None:
            index = path.with_suffix(".idx")
            found = self._read_index(index) if index.exists() else self._index_by_reading()
            found = found[np.argsort(found[:, 0], kind="stable")]
            table = found[:, 0].copy(), found[:, 1].copy()
        self.numbers, self.offsets = table
        twice = self.numbers[1:][self.numbers[1:] == self.numbers[:-1]]
        if len(twice):
            raise DataError(f"{path}: two records have number {twice[0]}; expected each number once")

    def __contains__(self, number: int) -> bool:
        at = np.searchsorted(self.numbers, number)
        return bool(at < len(self.numbers) and self.numbers[at] == number)

    def record(self, number: int) -> tuple[RecordHeader, bytes]:
        """The header of a record and the bytes after it.

        Raises:
            DataError: the record is broken; the message names it.
        """
        try:
            return unpack_header(read_record(self._read_at, self._offset(number), self._size)[0])
        except DataError as error:
            raise DataError(f"{self.path} record {number}: {error}") from error

    def header(self, number: int) -> RecordHeader:
        """The header of a record alone, without reading its image."""
        offset = self._offset(number)
        start = self._read_at(offset, _PEEK)
        try:
            kind, length = part_header(start[:8], offset)
            if kind == 0 and offset + 8 + length <= self._size:
                return unpack_header(start[8 : 8 + length])[0]
        except DataError:
            pass  # broken, or with more labels than were read ahead: read the whole record
        return self.record(number)[0]

    def first_labels(self, numbers: np.ndarray) -> np.ndarray:
        """The first label of each record, float64 (n,), NaN for a broken record; without reading images."""
        found = np.empty(len(numbers), np.float64)
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            offsets = self.offsets[np.searchsorted(self.numbers, block)]
            labels, known = self._peek_labels(offsets)
            for at in np.flatnonzero(~known).tolist():
                try:
                    labels[at] = self.header(int(block[at])).labels[0]
                except DataError:
                    labels[at] = np.nan
            found[start : start + len(block)] = labels
        return found

    def _peek_labels(self, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels (n,) of whole records at these offsets, and a mask of those that could be read in this way."""
        raw = np.memmap(self.path, np.uint8, "r")
        inside = offsets + 36 <= len(raw)
        if not inside.any():
            return np.zeros(len(offsets)), inside
        rows = raw[np.where(inside, offsets, offsets[inside][0])[:, None] + np.arange(36)]
        words = np.ascontiguousarray(rows).view("<u4")  # magic, kind and length, flag, label, id, id2, of an array
        length, flag = words[:, 1] & (2**29 - 1), words[:, 2]
        known = inside & (words[:, 0] == MAGIC) & (words[:, 1] < 2**29) & (length >= 24 + 4 * flag.astype(np.int64))
        known &= offsets + 8 + length <= len(raw)
        values = np.where(flag == 0, words[:, 3], words[:, 8]).astype("<u4").view("<f4")
        return values.astype(np.float64), known

    def _offset(self, number: int) -> int:
        return int(self.offsets[np.searchsorted(self.numbers, number)])

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_fd": None}

    def __del__(self) -> None:
        descriptor = getattr(self, "_fd", None)
        if descriptor is not None:
            os.close(descriptor)

    def _length(self) -> int:
        if not self.path.is_file():
            raise DataError(f"{self.path}: no such .rec file")
        return self.path.stat().st_size

    def _read_at(self, offset: int, count: int) -> bytes:
        try:
            if self._fd is None:
                self._fd = os.open(self.path, os.O_RDONLY)
            return os.pread(self._fd, count, offset)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _read_index(self, path: Path) -> np.ndarray:
        """Record numbers and offsets, int64 (r, 2)."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # for an empty file, or a fraction read as an integer
                table = np.loadtxt(path, np.int64, comments=None, ndmin=2, encoding="ascii")
            if table.shape[1] != 2:
                raise ValueError(f"{table.shape[1]} numbers in a line")
        except (ValueError, OverflowError, OSError, Warning) as error:
            reason = " ".join(str(error).split())[:100]
            raise DataError(f"{path}: expected lines of RECORD NUMBER<TAB>OFFSET ({reason})") from error
        outside = (table < 0).any(axis=1) | (table[:, 1] > self._size - 8)
        if outside.any():
            number, offset = table[outside][0]
            raise DataError(
                f"{path}: record {number} at offset {offset} is outside {path.stem}.rec ({self._size} bytes), "
                f"as are {int(outside.sum())} of {len(table)}: the file is cut off, or the index is of another file"
            )
        return table

    def _index_by_reading(self) -> np.ndarray:
        rows: list[tuple[int, int]] = []
        at = 0
        while at < self._size:
            try:
                record, following = read_record(self._read_at, at, self._size)
                number = unpack_header(record)[0].id
                if number >= 2**63:
                    raise DataError(f"record number {number} at offset {at} is not plausible")
            except DataError as error:
                raise DataError(f"{self.path}: {error}; there is no {self.path.stem}.idx") from error
            rows.append((number, at))
            at = following
        return np.array(rows, np.int64).reshape(-1, 2)
