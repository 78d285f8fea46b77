"""RecordIO's framing (dmlc-core) and the header that MXNet puts before each image.

A record is written as one or more parts. A part is the magic number, 32 bits with the kind of the part in the upper 3
and its length in the lower 29, and the bytes, padded to a multiple of 4. Where the data itself holds the magic number
at an aligned offset, the record is split there and those four bytes are left out; the reader inserts them again. The
record starts with MXNet's header: flag, label, id, id2; with ``flag > 0`` the label is an array of ``flag`` float32
values that follow.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import numpy as np

from facezoo.data.image import MAX_BYTES
from facezoo.errors import DataError

MAGIC = 0xCED7230A
_MAGIC = struct.pack("<I", MAGIC)
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_MAX_PART = (1 << 29) - 1
_HEADER = struct.Struct("<IfQQ")
HEADER_SIZE = _HEADER.size


class RecordHeader(NamedTuple):
    """The header before the bytes of an image.

    Attributes:
        flag: 0 if the label is one number, else the number of its values.
        labels: float32 (1,) or (flag,).
        id: the record's number.
        id2: unused by face data sets.
    """

    flag: int
    labels: np.ndarray
    id: int
    id2: int


def pack_header(labels: float | np.ndarray, number: int) -> bytes:
    """The bytes of a header: a single label is stored inside, an array after it."""
    if isinstance(labels, np.ndarray):
        return _HEADER.pack(len(labels), 0.0, number, 0) + labels.astype("<f4").tobytes()
    return _HEADER.pack(0, labels, number, 0)


def unpack_header(record: bytes) -> tuple[RecordHeader, bytes]:
    """Split a record into its header and the image's bytes.

    Raises:
        DataError: the record is shorter than its header states.
    """
    if len(record) < HEADER_SIZE:
        raise DataError(f"a record of {len(record)} bytes is shorter than its header of {HEADER_SIZE}")
    flag, label, number, number2 = _HEADER.unpack_from(record)
    if not flag:
        return RecordHeader(0, np.array([label], np.float32), number, number2), record[HEADER_SIZE:]
    end = HEADER_SIZE + 4 * flag
    if len(record) < end:
        raise DataError(f"a record of {len(record)} bytes cannot hold the {flag} labels that its header states")
    labels = np.frombuffer(record, "<f4", flag, HEADER_SIZE).astype(np.float32)
    return RecordHeader(flag, labels, number, number2), record[end:]


def write_record(stream: BinaryIO, record: bytes) -> None:
    """Append one record.

    Raises:
        DataError: it is longer than the format allows (2**29 - 1 bytes).
    """
    if len(record) > _MAX_PART:
        raise DataError(f"a record of {len(record)} bytes is above RecordIO's limit of {_MAX_PART}")
    cuts = _aligned_magics(record)
    starts = [0, *(cut + 4 for cut in cuts)]
    ends = [*cuts, len(record)]
    for part, (start, end) in enumerate(zip(starts, ends, strict=True)):
        kind = _kind(part, len(starts))
        stream.write(_MAGIC + struct.pack("<I", kind << 29 | (end - start)))
        stream.write(record[start:end] + b"\0" * (-(end - start) % 4))


def _kind(part: int, parts: int) -> int:
    if parts == 1:
        return _WHOLE
    return _FIRST if part == 0 else _LAST if part == parts - 1 else _MIDDLE


def _aligned_magics(record: bytes) -> list[int]:
    found, at = [], record.find(_MAGIC)
    while at >= 0:
        if at % 4:
            at = record.find(_MAGIC, at + 1)
        else:
            found.append(at)
            at = record.find(_MAGIC, at + 4)
    return found


def read_record(read_at: Callable[[int, int], bytes], offset: int, size: int) -> tuple[bytes, int]:
    """Read the record that starts at ``offset``, its parts joined.

    Args:
        read_at: ``read_at(offset, count)`` gives up to ``count`` bytes of the file.
        offset: of the record's magic number.
        size: of the file; lengths beyond it are refused before memory is allocated.

    Returns:
        The bytes of the record, and the offset of the next.

    Raises:
        DataError: no record starts there, or it is cut off, or its parts are out of order.
    """
    parts: list[bytes] = []
    total = 0
    while True:
        kind, length = part_header(read_at(offset, 8), offset)
        if (kind in (_WHOLE, _FIRST)) != (not parts):
            raise DataError(f"the record's part at offset {offset} is of kind {kind}, out of order")
        total += length + 4
        if offset + 8 + length > size or total > MAX_BYTES:
            raise DataError(f"the record at offset {offset} states {length} bytes; {max(0, size - offset - 8)} follow")
        part = read_at(offset + 8, length)
        if len(part) != length:
            raise DataError(f"the record at offset {offset} ends after {len(part)} of {length} bytes")
        parts.append(part)
        offset += 8 + length + -length % 4
        if kind in (_WHOLE, _LAST):
            return _MAGIC.join(parts), offset


def part_header(word: bytes, offset: int) -> tuple[int, int]:
    """Kind and length of a part from its first 8 bytes.

    Raises:
        DataError: the file ends here or holds something else.
    """
    if len(word) < 8:
        raise DataError(f"the file ends at offset {offset}, where a record should start")
    magic, kind_length = struct.unpack("<II", word)
    kind, length = kind_length >> 29, kind_length & _MAX_PART
    if magic != MAGIC or kind > _LAST:
        raise DataError(f"no record starts at offset {offset} (found {word.hex()})")
    return kind, length
