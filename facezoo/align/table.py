"""The table of an alignment run: one row per crop, and one per photo without a crop.

During a run its rows are appended to a journal; at the end the table is written to a temporary file and renamed. A run
that is killed loses only the rows of the photos that were in progress.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import ConfigError, DataError
from facezoo.interfaces.detector import Face
from facezoo.io.files import atomic_write

POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
Row = dict[str, Any]

COLUMNS: dict[str, type] = {
    "source": str,  # path below the folder of photos; with #frame for a video
    "face": int,  # 0 for the first kept, by descending score or size
    "output": str,  # path of the crop below the output folder; empty without a crop
    "reason": str,  # why there is no crop; empty otherwise
    "width": int,
    "height": int,
    "faces": int,  # number found in the photo
    **dict.fromkeys(("x1", "y1", "x2", "y2", "score"), float),
    **{f"{point}_{axis}": float for point in POINTS for axis in "xy"},
    **{f"m{row}{column}": float for row in range(2) for column in range(3)},  # photo -> crop
    **dict.fromkeys(("blur", "yaw", "pitch", "roll"), float),
    "bytes": int,  # size of the photo's file
    "modified": int,  # its time of modification, in nanoseconds since 1970
}
LATER = ("bytes", "modified")  # columns that older tables lack
NAME = "faces"
JOURNAL = ".faces.jsonl"


def face_row(row: Row, face: Face, matrix: np.ndarray, blur: float, pose: Sequence[float]) -> Row:
    """The row of one aligned face, with all columns."""
    names = list(COLUMNS)[7:-2]
    values = [*face.box, face.score, *face.landmarks.reshape(-1), *matrix.reshape(-1), blur, *pose]
    return {**row, **{name: round(float(value), 6) for name, value in zip(names, values, strict=True)}}


def photo_of(row: Row) -> str:
    """The photo or video of a row: its source without the number of the frame."""
    return re.sub(r"#\d{6,}$", "", row["source"])


def landmarks_of(row: Row) -> np.ndarray:
    """The five landmarks (5, 2) of a row with a face."""
    return np.array([row[f"{point}_{axis}"] for point in POINTS for axis in "xy"]).reshape(5, 2)


def table_path(out: Path, kind: str = "auto") -> Path:
    """Path of the table; "auto" is Parquet if pyarrow is installed, else CSV.

    Raises:
        ConfigError: Parquet is requested without pyarrow, or the kind is unknown.
    """
    if kind not in ("auto", "csv", "parquet"):
        raise ConfigError(f"table is {kind!r}; expected auto, csv or parquet")
    there = importlib.util.find_spec("pyarrow") is not None
    if kind == "parquet" and not there:
        raise ConfigError("a Parquet table needs pyarrow: pip install 'facezoo[parquet]'")
    return out / (f"{NAME}.csv" if kind == "csv" or not there else f"{NAME}.parquet")


def write_table(rows: Iterable[Row], path: Path) -> None:
    """Write the rows, sorted by source and face, as CSV or Parquet according to the suffix."""
    ordered = sorted(rows, key=lambda row: (row["source"], row["face"]))
    with atomic_write(path) as part:
        if path.suffix == ".csv":
            with part.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(COLUMNS))
                writer.writeheader()
                writer.writerows({name: _guarded(value) for name, value in row.items()} for row in ordered)
            return
        import pyarrow
        import pyarrow.parquet

        kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
        schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ordered, schema), part)


_FORMULA = ("=", "+", "-", "@")


def _guarded(value: Any) -> Any:
    """A text cell that a spreadsheet would run as a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith((*_FORMULA, "'")) else value


def _unguarded(value: Any) -> Any:
    text = isinstance(value, str) and value.startswith("'") and value[1:].startswith((*_FORMULA, "'"))
    return value[1:] if text else value


def read_table(path: Path) -> list[Row]:
    """The rows of a table, each without its empty columns.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as stream:
                raw: list[Row] = [
                    {name: _unguarded(value) for name, value in row.items()} for row in csv.DictReader(stream)
                ]
        else:
            raw = _read_parquet(path)
        return [
            {
                name: kind(row[name])
                for name, kind in COLUMNS.items()
                if kind is str or (row.get(name) if name in LATER else row[name]) not in ("", None)
            }
            for row in raw
        ]
    except ImportError as error:
        raise DataError(f"{path}: reading it needs pyarrow: pip install 'facezoo[parquet]'") from error
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: not a table of aligned faces ({error})") from error


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:  # some of them are not subclasses of Python's errors
        raise ValueError(str(error)) from error


def known_rows(out: Path) -> list[Row]:
    """Rows of earlier calls: those of the tables, then of the journal of an interrupted call."""
    rows: list[Row] = []
    for name in (f"{NAME}.csv", f"{NAME}.parquet"):
        if (out / name).is_file():
            rows += read_table(out / name)
    if (out / JOURNAL).is_file():
        for line in (out / JOURNAL).read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):  # an incomplete last line
                continue
            if isinstance(row, dict) and {"source", "face", "output", "reason"} <= row.keys():
                rows.append(row)
    return rows


class Journal:
    """Appends rows to the journal of a folder; they are on disk when :meth:`add` returns."""

    def __init__(self, out: Path) -> None:
        self._path = out / JOURNAL
        out.mkdir(parents=True, exist_ok=True)
        cut = self._path.is_file() and not self._path.read_bytes().endswith(b"\n")
        self._stream = self._path.open("a", encoding="utf-8")
        if cut:
            self._stream.write("\n")

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        self._stream.writelines(json.dumps(row) + "\n" for row in rows)
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, remove: bool = False) -> None:
        """Close the journal, and delete it with ``remove``, once its rows are in the table."""
        self._stream.close()
        if remove:
            self._path.unlink()
