"""Readers of the list files of IJB-A, IJB-B and IJB-C, in the layout of InsightFace."""

from __future__ import annotations

import csv
import warnings
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.errors import DataError, ProtocolError


def read_integer_table(path: str | Path, columns: int) -> np.ndarray:
    """A text file of integers in columns as int32 (rows, columns); the file is read in pieces.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: it contains something other than integers, or an incomplete line.
    """
    parts = []
    try:
        with open(path, "rb") as handle:
            while piece := handle.read(1 << 24):
                piece += handle.readline()
                parts.append(_integers(path, piece))
    except OSError as error:
        raise DataError(f"cannot read list {str(path)!r}: {error.strerror or error}") from error
    values = np.concatenate(parts) if parts else np.empty(0, np.int32)
    if len(values) == 0 or len(values) % columns:
        raise ProtocolError(f"{path} has {len(values)} numbers; expected {columns} per line")
    return values.reshape(-1, columns)


def _integers(path: str | Path, piece: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # raised by numpy for other text
        try:
            return np.fromstring(piece.decode("ascii").replace(",", " "), dtype=np.int32, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise ProtocolError(f"{path} contains something other than integers") from error


@dataclass(frozen=True)
class TemplateList:
    """``ijbc_face_tid_mid.txt``: one line ``IMAGE TEMPLATE MEDIUM`` per image.

    Attributes:
        images: names, N of them.
        templates: int64 (N,).
        media: int64 (N,).
    """

    images: list[str]
    templates: np.ndarray
    media: np.ndarray


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line) of each line that is not empty, read one by one because the lists are long."""
    found = False
    try:
        with open(path, encoding="utf-8") as handle:
            for number, line in enumerate(handle, 1):
                if line.strip():
                    found = True
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read list {str(path)!r}: {error}") from error
    if not found:
        raise DataError(f"list {str(path)!r} is empty")


def read_template_list(path: str | Path) -> TemplateList:
    """The list of images with their template and medium.

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a line has other fields.
    """
    images, templates, media = [], array("q"), array("q")
    for number, line in _lines(path):
        try:
            name, template, medium = line.split()
            templates.append(int(template))
            media.append(int(medium))
        except (ValueError, OverflowError) as error:
            raise ProtocolError(f"{path}: line {number} is {line.strip()!r}; expected 'IMAGE T M'") from error
        images.append(name)
    return TemplateList(images, np.array(templates, np.int64), np.array(media, np.int64))


def read_pair_list(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``ijbc_template_pair_label.txt``: lines ``TEMPLATE1 TEMPLATE2 SAME`` as int32, int32 and bool (n,).

    Raises:
        ProtocolError: a label is neither 0 nor 1, or a line is not three integers.
    """
    table = read_integer_table(path, 3)
    if not np.isin(table[:, 2], (0, 1)).all():
        raise ProtocolError(f"{path}: a label is {table[~np.isin(table[:, 2], (0, 1)), 2][0]}; expected 0 or 1")
    return table[:, 0].copy(), table[:, 1].copy(), table[:, 2] == 1


def read_landmark_scores(path: str | Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """``ijbc_name_5pts_score.txt``: lines ``IMAGE x1 y1 .. x5 y5 SCORE`` as names, float64 (N, 5, 2), float64 (N,).

    Raises:
        ProtocolError: a line has other fields.
    """
    names, numbers = [], array("d")
    for number, line in _lines(path):
        name, *values = line.split()
        if len(values) != 11:
            raise ProtocolError(f"{path}: line {number} has {len(values) + 1} fields; expected 'IMAGE x1 y1 .. SCORE'")
        try:
            numbers.extend(map(float, values))
        except ValueError as error:
            raise ProtocolError(f"{path}: line {number}: {error}; expected 'IMAGE x1 y1 .. SCORE'") from error
        names.append(name)
    table = np.frombuffer(numbers, np.float64).reshape(-1, 11)
    return names, table[:, :10].reshape(-1, 5, 2), table[:, 10].copy()


def read_subjects(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """A 1:N list (``ijbc_1N_gallery_G1.csv``): templates and their subjects, int64 (T,) each, every template once.

    Raises:
        DataError: the file cannot be read or is empty.
        ProtocolError: the first two fields are not numbers, or a template has two subjects.
    """
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows = list(csv.reader(handle))[1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read list {str(path)!r}: {error}") from error
    try:
        pairs = sorted({(int(row[0]), int(row[1])) for row in rows if row})
    except (ValueError, IndexError) as error:
        raise ProtocolError(f"{path}: expected 'TEMPLATE_ID,SUBJECT_ID,...' below a header") from error
    if not pairs:
        raise DataError(f"list {str(path)!r} lists no template")
    templates, subjects = (np.array(column) for column in zip(*pairs, strict=True))
    twice = templates[1:][templates[1:] == templates[:-1]]
    if len(twice):
        raise ProtocolError(f"{path}: template {twice[0]} has two subjects")
    return templates, subjects
