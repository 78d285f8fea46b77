"""A file of landmarks, used instead of a detector."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from facezoo.align.table import POINTS
from facezoo.download.urls import local_path
from facezoo.errors import DataError
from facezoo.interfaces.detector import Face

_HEADS = ("source", "file", "path", "image")


class LandmarkFile:
    """Landmarks of photos by path.

    Two layouts of CSV are supported. With a header: a column ``source``, ``file``, ``path`` or ``image``, the ten
    columns ``left_eye_x`` ... ``right_mouth_y`` (as in the table of ``facezoo align``), and optionally ``score``.
    Without a header: first the path of the photo, then optionally the score, last the ten coordinates in pixels (left
    eye, right eye, nose, left and right mouth corner of the image). A line of zeros is a photo without a face.

    Args:
        path: the file.

    Raises:
        DataError: the file is missing or empty, or a line has another layout; the message gives its number.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = local_path(path)
        self._faces: dict[str, list[Face]] = {}
        try:
            with self.path.open(newline="", encoding="utf-8") as stream:
                lines = [line for line in csv.reader(stream) if line]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{self.path}: cannot be read as a landmark file ({error})") from error
        if not lines:
            raise DataError(f"{self.path}: the landmark file is empty")
        head = [cell.strip().lower() for cell in lines[0]]
        columns = _columns(head) if any(name in head for name in _HEADS) else None
        for number, line in enumerate(lines if columns is None else lines[1:], 1 if columns is None else 2):
            try:
                self._add(line, columns)
            except (ValueError, IndexError) as error:
                raise DataError(
                    f"{self.path}, line {number}: {','.join(line)[:80]!r} is not a path and ten coordinates"
                ) from error

    def __len__(self) -> int:
        return len(self._faces)

    def find(self, key: str) -> list[Face]:
        """The faces of a photo, by its path below the folder of photos; empty if the file does not list it."""
        return self._faces.get(key, [])

    def _add(self, line: list[str], columns: list[int] | None) -> None:
        if columns is None:
            if not any(float(cell or 0) for cell in line[1:]):  # some detectors write this for a photo without a face
                line = [line[0], *[""] * 10]
            cells = [line[0], line[-11] if len(line) > 11 else "", *line[-10:]]
            if len(line) < 11:
                raise ValueError
        else:
            cells = [line[at] if at >= 0 else "" for at in columns]
        key = cells[0].replace("\\", "/")
        faces = self._faces.setdefault(key, [])
        if not any(cell.strip() for cell in cells[2:]) or not any(float(cell) for cell in cells[2:]):
            return  # a photo without a face
        points = np.array([float(cell) for cell in cells[2:]], np.float32).reshape(5, 2)
        faces.append(Face(_box(points), points, float(cells[1] or 1)))


def _columns(head: list[str]) -> list[int]:
    """Column numbers of the path, the score (-1 if missing) and the ten coordinates."""
    path = next(name for name in _HEADS if name in head)
    names = [f"{point}_{axis}" for point in POINTS for axis in "xy"]
    missing = [name for name in names if name not in head]
    if missing:
        raise DataError(f"the landmark file's header lacks {missing[0]!r}; it has {', '.join(head)}")
    score = head.index("score") if "score" in head else -1
    return [head.index(path), score, *(head.index(name) for name in names)]


def _box(points: np.ndarray) -> np.ndarray:
    """A box around the landmarks of twice their extent, similar to the box of a detector."""
    low, high = points.min(0), points.max(0)
    return np.concatenate([low - (high - low) / 2, high + (high - low) / 2]).astype(np.float32)
