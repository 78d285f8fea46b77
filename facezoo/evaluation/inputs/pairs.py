"""Lists of pairs: LFW's ``pairs.txt`` and similar files, plain lists of two files, and the list of CALFW and CPLFW."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.data.identity import identities_of
from facezoo.download.urls import local_path
from facezoo.errors import DataError, ProtocolError, UnknownNameError


@dataclass(frozen=True)
class PairList:
    """Pairs of images by name.

    Attributes:
        first: names of the first images, n of them.
        second: names of the second images.
        same: bool (n,), True for a genuine pair.
        folds: int64 (n,), the fold of each pair.
        sha256: hash of the list file.
    """

    first: list[str]
    second: list[str]
    same: np.ndarray
    folds: np.ndarray
    sha256: str

    def __len__(self) -> int:
        return len(self.first)

    def images(self) -> list[str]:
        """Every name once, in the order of first appearance."""
        return list(dict.fromkeys(name for pair in zip(self.first, self.second, strict=True) for name in pair))

    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the first and second images in :meth:`images`, int64 (n,) each."""
        at = {name: index for index, name in enumerate(self.images())}
        return np.array([at[name] for name in self.first]), np.array([at[name] for name in self.second])

    def identities(self) -> tuple[list[str], list[str]]:
        """Identities of the first and second images; see :mod:`facezoo.data.identity`."""
        return identities_of_pairs(self.first, self.second)


def identities_of_pairs(first: Sequence[str], second: Sequence[str]) -> tuple[list[str], list[str]]:
    """Identities of the first and second images of pairs."""
    found = identities_of([*first, *second])
    return found[: len(first)], found[len(first) :]


def lfw_name(person: str, number: str | int, extension: str = ".jpg") -> str:
    """The path of an image in a folder of LFW's layout.

    >>> lfw_name("Abel_Pacheco", 4)
    'Abel_Pacheco/Abel_Pacheco_0004.jpg'
    """
    return f"{person}/{person}_{int(number):04d}{extension}"


def read_text(path: str | Path) -> tuple[list[tuple[int, str]], str]:
    """The lines of a list file that are not empty, with their numbers from 1, and the SHA-256 of the file.

    Raises:
        DataError: the file is missing, empty or not UTF-8 text.
    """
    try:
        raw = Path(path).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read list {str(path)!r}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"list {str(path)!r} is not UTF-8 text (byte {error.start})") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise DataError(f"list {str(path)!r} is empty")
    return lines, hashlib.sha256(raw).hexdigest()


def _bad(path: str | Path, number: int, line: str, expected: str) -> ProtocolError:
    return ProtocolError(f"{path}: line {number} is {line[:80]!r}; expected {expected}")


def read_lfw_pairs(path: str | Path, *, extension: str = ".jpg") -> PairList:
    """LFW's view-2 list: a header ``FOLDS PAIRS``, then the genuine and the impostor pairs of each fold.

    A genuine line is ``NAME n1 n2``, an impostor line ``NAME1 n1 NAME2 n2``. Lists with one number in the header (view
    1: pairs of each kind) or without a header (MFR2) are divided into ten contiguous folds.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a line has another layout, or the header gives another number of pairs.
    """
    lines, digest = read_text(path)
    header: list[int] = []
    if all(value.isdecimal() for value in lines[0][1].split()):
        header = [int(value) for value in lines[0][1].split()]
        lines = lines[1:]
    first, second, same = [], [], []
    for number, line in lines:
        fields = line.split("\t") if line.count("\t") in (2, 3) else line.split()
        try:
            if len(fields) == 3:
                left, right = (lfw_name(fields[0], number, extension) for number in fields[1:])
            else:
                left_name, left_number, right_name, right_number = fields
                left = lfw_name(left_name, left_number, extension)
                right = lfw_name(right_name, right_number, extension)
        except ValueError as error:
            raise _bad(path, number, line, "'NAME n1 n2' or 'NAME1 n1 NAME2 n2'") from error
        first.append(left)
        second.append(right)
        same.append(len(fields) == 3)
    if len(header) > 2 or 0 in header:
        raise ProtocolError(f"{path}: the header is {header}; expected the number of folds and of pairs, or of pairs")
    promised = 2 * header[1] * header[0] if len(header) == 2 else 2 * header[0] if header else len(first)
    if promised != len(first):
        raise ProtocolError(f"{path}: the header gives {promised} pairs; the list has {len(first)}")
    count = header[0] if len(header) == 2 else min(10, len(first))
    return PairList(first, second, np.array(same), _contiguous(len(first), count), digest)


def _contiguous(pairs: int, folds: int) -> np.ndarray:
    return np.repeat(np.arange(folds), [len(part) for part in np.array_split(np.arange(pairs), folds)])


def read_path_pairs(path: str | Path) -> PairList:
    """A plain list: lines ``IMAGE1 IMAGE2 SAME [FOLD]``, separated by commas, tabs or spaces; SAME is 1 or 0.

    Lines that begin with ``#`` are skipped. Without FOLD the pairs are divided into ten contiguous folds.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a line has other fields, or only some lines have a fold.
    """
    lines, digest = read_text(path)
    rows = []
    for number, line in lines:
        if line.startswith("#"):
            continue
        separator = "," if "," in line else "\t" if "\t" in line else None
        fields = [field.strip() for field in line.split(separator)]
        complete = len(fields) == 3 or (len(fields) == 4 and fields[3].lstrip("-").isdigit())
        if not complete or fields[2] not in ("0", "1", "-1"):
            raise _bad(path, number, line, "'IMAGE1 IMAGE2 SAME [FOLD]' with SAME 1 or 0")
        rows.append(fields)
    if not rows:
        raise DataError(f"list {str(path)!r} has no pairs")
    if len({len(row) for row in rows}) != 1:
        raise ProtocolError(f"{path}: some lines have a fold and others do not")
    same = np.array([row[2] == "1" for row in rows])
    named = len(rows[0]) == 4
    folds = np.array([int(row[3]) for row in rows]) if named else _contiguous(len(rows), min(10, len(rows)))
    return PairList([row[0] for row in rows], [row[1] for row in rows], same, folds, digest)


def read_calfw_pairs(path: str | Path) -> PairList:
    """The list of CALFW and CPLFW: lines ``IMAGE FOLD``, two per pair; FOLD is 1..10 for genuine pairs, 0 for others.

    The impostor pairs come in ten blocks of equal size, one per fold.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: an odd number of lines, or a line with other fields.
    """
    lines, digest = read_text(path)
    if len(lines) % 2:
        raise ProtocolError(f"{path}: {len(lines)} lines; expected two per pair")
    names, numbers = [], []
    for number, line in lines:
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdigit():
            raise _bad(path, number, line, "'IMAGE FOLD'")
        names.append(fields[0])
        numbers.append(int(fields[1]))
    fold = np.array(numbers[::2])
    if (fold != np.array(numbers[1::2])).any():
        row = int(np.flatnonzero(fold != np.array(numbers[1::2]))[0])
        raise _bad(path, lines[2 * row + 1][0], lines[2 * row + 1][1], "the fold of the line before")
    same = fold > 0
    folds = fold - 1
    folds[~same] = _contiguous(int((~same).sum()), max(1, int(fold.max())))
    return PairList(names[::2], names[1::2], same, folds, digest)


READERS: dict[str, Callable[[str | Path], PairList]] = {
    "lfw": read_lfw_pairs,
    "paths": read_path_pairs,
    "calfw": read_calfw_pairs,
}


def read_pairs(path: str | Path, layout: str = "lfw") -> PairList:
    """Read a list of pairs in one of the layouts of :data:`READERS`.

    >>> sorted(READERS)
    ['calfw', 'lfw', 'paths']
    """
    if layout not in READERS:
        raise UnknownNameError("pair list layout", layout, READERS)
    return READERS[layout](local_path(path))
