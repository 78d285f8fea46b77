"""Lists of pairs: LFW's ``pairs.txt`` and its relatives, plain two-file lists, and what they become."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.errors import DataError, ProtocolError, UnknownNameError


@dataclass(frozen=True)
class PairList:
    """Pairs of images by name.

    Attributes:
        first: names of the first images, n of them.
        second: names of the second images.
        same: bool (n,), True for a genuine pair.
        folds: int64 (n,), the fold of each pair.
        sha256: of the list file's bytes.
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
        """Positions in :meth:`images` of both sides, int64 (n,) each."""
        at = {name: index for index, name in enumerate(self.images())}
        return np.array([at[name] for name in self.first]), np.array([at[name] for name in self.second])

    def identities(self) -> tuple[list[str], list[str]]:
        """Who is on both sides, taken from the folder of each name."""
        return [owner(name) for name in self.first], [owner(name) for name in self.second]


def owner(name: str) -> str:
    """Who is on an image, from its folder.

    >>> owner("Abel_Pacheco/Abel_Pacheco_0004.jpg")
    'Abel_Pacheco'
    """
    return Path(name).parent.name or Path(name).stem


def lfw_name(person: str, number: str | int, extension: str = ".jpg") -> str:
    """An image's path in an LFW-like folder.

    >>> lfw_name("Abel_Pacheco", 4)
    'Abel_Pacheco/Abel_Pacheco_0004.jpg'
    """
    return f"{person}/{person}_{int(number):04d}{extension}"


def read_text(path: str | Path) -> tuple[list[tuple[int, str]], str]:
    """A list file's lines that are not empty, each with its number from 1, and the file's SHA-256.

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
    """LFW's view-2 list: ``folds pairs`` in the header, then per fold genuine and impostor pairs.

    A genuine line is ``NAME n1 n2``, an impostor line ``NAME1 n1 NAME2 n2``. A header of one number (view 1:
    pairs of each kind) or no header (MFR2) makes one block, cut into ten contiguous folds.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a line is neither, or the header promises another number of pairs.
    """
    lines, digest = read_text(path)
    header: list[int] = []
    if all(word.isdecimal() for word in lines[0][1].split()):
        header = [int(word) for word in lines[0][1].split()]
        lines = lines[1:]
    first, second, same = [], [], []
    for number, line in lines:
        words = line.split("\t") if line.count("\t") in (2, 3) else line.split()
        try:
            if len(words) == 3:
                left, right = lfw_name(words[0], words[1], extension), lfw_name(words[0], words[2], extension)
            else:
                left_name, left_number, right_name, right_number = words
                left = lfw_name(left_name, left_number, extension)
                right = lfw_name(right_name, right_number, extension)
        except ValueError as error:
            raise _bad(path, number, line, "'NAME n1 n2' or 'NAME1 n1 NAME2 n2'") from error
        first.append(left)
        second.append(right)
        same.append(len(words) == 3)
    if len(header) > 2 or 0 in header:
        raise ProtocolError(f"{path}: the header is {header}; expected the number of folds and of pairs, or of pairs")
    promised = 2 * header[1] * header[0] if len(header) == 2 else 2 * header[0] if header else len(first)
    if promised != len(first):
        raise ProtocolError(f"{path}: the header promises {promised} pairs; the list holds {len(first)}")
    count = header[0] if len(header) == 2 else min(10, len(first))
    return PairList(first, second, np.array(same), _contiguous(len(first), count), digest)


def _contiguous(pairs: int, folds: int) -> np.ndarray:
    return np.repeat(np.arange(folds), [len(part) for part in np.array_split(np.arange(pairs), folds)])


def read_path_pairs(path: str | Path) -> PairList:
    """A plain list: ``IMAGE1 IMAGE2 SAME [FOLD]`` a line, split at commas, tabs or blanks; SAME is 1 or 0.

    Lines that begin with ``#`` are skipped. Without FOLD the pairs make ten contiguous folds.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a line has other fields, or only some lines name a fold.
    """
    lines, digest = read_text(path)
    rows = []
    for number, line in lines:
        if line.startswith("#"):
            continue
        separator = "," if "," in line else "\t" if "\t" in line else None
        words = [word.strip() for word in line.split(separator)]
        numeric = len(words) == 3 or (len(words) == 4 and words[3].lstrip("-").isdigit())
        if not numeric or words[2] not in ("0", "1", "-1"):
            raise _bad(path, number, line, "'IMAGE1 IMAGE2 SAME [FOLD]' with SAME 1 or 0")
        rows.append(words)
    if not rows:
        raise DataError(f"list {str(path)!r} holds no pairs")
    if len({len(row) for row in rows}) != 1:
        raise ProtocolError(f"{path}: some lines name a fold and others do not")
    same = np.array([row[2] == "1" for row in rows])
    named = len(rows[0]) == 4
    folds = np.array([int(row[3]) for row in rows]) if named else _contiguous(len(rows), min(10, len(rows)))
    return PairList([row[0] for row in rows], [row[1] for row in rows], same, folds, digest)


def read_calfw_pairs(path: str | Path) -> PairList:
    """The list of CALFW and CPLFW: ``IMAGE FOLD`` a line, two lines a pair; FOLD 1..10 is genuine, 0 not.

    Impostor pairs stand in ten blocks of equal size, the fold of each is its block.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: an odd number of lines, or a line with other fields.
    """
    lines, digest = read_text(path)
    if len(lines) % 2:
        raise ProtocolError(f"{path}: {len(lines)} lines; expected two for each pair")
    names, numbers = [], []
    for number, line in lines:
        words = line.split()
        if len(words) != 2 or not words[1].isdigit():
            raise _bad(path, number, line, "'IMAGE FOLD'")
        names.append(words[0])
        numbers.append(int(words[1]))
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
    """A list of pairs in one of the layouts of :data:`READERS`.

    >>> sorted(READERS)
    ['calfw', 'lfw', 'paths']
    """
    if layout not in READERS:
        raise UnknownNameError("pair list layout", layout, READERS)
    return READERS[layout](path)
