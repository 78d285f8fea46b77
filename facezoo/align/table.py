"""The table of an alignment run: one row a crop, and one for each photo without.

While a run goes on its rows are appended to a journal; at the end the table is written aside and renamed. So a run
that is killed loses the rows of the photos it was working on, and nothing else.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
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
    "source": str,  # path below the photos' folder; of a video with #frame
    "face": int,  # 0 for the first kept, by falling score or size
    "output": str,  # path of the crop below the output folder, empty without
    "reason": str,  # why there is no crop, empty otherwise
    "width": int,
    "height": int,
    "faces": int,  # found in the photo
    **dict.fromkeys(("x1", "y1", "x2", "y2", "score"), float),
    **{f"{point}_{axis}": float for point in POINTS for axis in "xy"},
    **{f"m{row}{column}": float for row in range(2) for column in range(3)},  # photo -> crop
    **dict.fromkeys(("blur", "yaw", "pitch", "roll"), float),
}
NAME = "faces"
JOURNAL = ".faces.jsonl"


def face_row(row: Row, face: Face, matrix: np.ndarray, blur: float, pose: Sequence[float]) -> Row:
    """A row with everything known of one aligned face."""
    names = list(COLUMNS)[7:]
    values = [*face.box, face.score, *face.landmarks.reshape(-1), *matrix.reshape(-1), blur, *pose]
    return {**row, **{name: round(float(value), 6) for name, value in zip(names, values, strict=True)}}


def landmarks_of(row: Row) -> np.ndarray:
    """The five landmarks (5, 2) of a row with a face."""
    return np.array([row[f"{point}_{axis}"] for point in POINTS for axis in "xy"]).reshape(5, 2)


def table_path(out: Path, kind: str = "auto") -> Path:
    """Where the table goes: Parquet where pyarrow is installed, else CSV.

    Raises:
        ConfigError: Parquet is asked for without pyarrow, or the kind is not known.
    """
    if kind not in ("auto", "csv", "parquet"):
        raise ConfigError(f"table is {kind!r}; expected auto, csv or parquet")
    there = importlib.util.find_spec("pyarrow") is not None
    if kind == "parquet" and not there:
        raise ConfigError("a Parquet table needs pyarrow: pip install 'facezoo[parquet]'")
    return out / (f"{NAME}.csv" if kind == "csv" or not there else f"{NAME}.parquet")


def write_table(rows: Iterable[Row], path: Path) -> None:
    """All rows, in order of source and face, as CSV or Parquet by the name's ending."""
    ordered = sorted(rows, key=lambda row: (row["source"], row["face"]))
    with atomic_write(path) as part:
        if path.suffix == ".csv":
            with part.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(COLUMNS))
                writer.writeheader()
                writer.writerows(ordered)
            return
        import pyarrow
        import pyarrow.parquet

        kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
        schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ordered, schema), part)


def read_table(path: Path) -> list[Row]:
    """The rows of a table; what a row has no value for is left out of it.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as stream:
                raw: list[Row] = list(csv.DictReader(stream))
        else:
            raw = _read_parquet(path)
        return [
            {name: kind(row[name]) for name, kind in COLUMNS.items() if row[name] not in ("", None) or kind is str}
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
    except pyarrow.ArrowException as error:  # not all of its kinds are errors of Python's own
        raise ValueError(str(error)) from error


def known_rows(out: Path) -> list[Row]:
    """Rows of earlier calls: the tables, then the journal of a call that was stopped."""
    rows: list[Row] = []
    for name in (f"{NAME}.csv", f"{NAME}.parquet"):
        if (out / name).is_file():
            rows += read_table(out / name)
    if (out / JOURNAL).is_file():
        for line in (out / JOURNAL).read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:  # the line that was being written
                continue
    return rows


class Journal:
    """Appends rows to the journal of a folder; each call is on disk when it returns."""

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
        """Close it; with ``remove`` the rows stand in the table now."""
        self._stream.close()
        if remove:
            self._path.unlink()
