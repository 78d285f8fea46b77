"""Embeddings with columns of metadata, from ``.npz``, ``.npy`` with a table, or Parquet."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.data.identity import identities_of
from facezoo.download.urls import local_path
from facezoo.errors import (
    BackendUnavailableError,
    DataError,
    ProtocolError,
    ShapeError,
    UnknownNameError,
)
from facezoo.io.files import atomic_write
from facezoo.io.numpy_files import read_npy, read_npz

ALIASES = {  # column name of other systems -> column name here
    "names": "name", "file": "name", "files": "name", "path": "name", "paths": "name", "image": "name",
    "images": "name", "id": "name", "ids": "name", "labels": "label", "identity": "label", "identities": "label",
    "subject": "label", "subjects": "label", "templates": "template", "tid": "template", "media": "medium",
    "mid": "medium", "videos": "video", "detection_scores": "detection_score",
}  # fmt: skip
EMBEDDING_KEYS = ("embeddings", "embedding", "features", "feature")


@dataclass(frozen=True)
class EmbeddingSet:
    """Embeddings with columns of metadata.

    Attributes:
        embeddings: (N, E), not normalised.
        columns: name -> array (N,).
        sha256: hash of embeddings and columns.
        same: bool (N / 2,) or None: rows 2i and 2i + 1 are pair i, as in a ``.bin``.
        source: file name or description, for messages and reports.
    """

    embeddings: np.ndarray
    columns: dict[str, np.ndarray]
    sha256: str
    source: str
    same: np.ndarray | None = None

    @classmethod
    def build(
        cls, embeddings: np.ndarray, columns: Mapping[str, Any], source: str = "memory", same: np.ndarray | None = None
    ) -> EmbeddingSet:
        """Check the arrays and compute their hash.

        Raises:
            ShapeError: a column has another length than the embeddings.
            ProtocolError: a name is not unique.
        """
        rows = np.asarray(embeddings)
        if rows.ndim != 2 or rows.dtype.kind not in "fiu":
            raise ShapeError(f"{source}: embeddings are {rows.dtype} {rows.shape}; expected numbers (N, E)")
        digest = hashlib.sha256(f"{rows.dtype}{rows.shape}".encode())
        for start in range(0, len(rows), 65536):
            digest.update(np.ascontiguousarray(rows[start : start + 65536]).data)
        kept = {}
        for name in sorted(columns):
            values = np.asarray(columns[name])
            if values.shape != (len(rows),):
                raise ShapeError(f"{source}: column {name!r} has shape {values.shape}; expected ({len(rows)},)")
            kept[ALIASES.get(name, name)] = values
            digest.update(f"{name}{values.dtype}".encode() + np.ascontiguousarray(values).tobytes())
        if "name" in kept:
            kept["name"] = kept["name"].astype(str)
            found, counts = np.unique(kept["name"], return_counts=True)
            if (counts > 1).any():
                twice = found[counts > 1].tolist()
                raise ProtocolError(f"{source}: {len(twice)} names are not unique, first {twice[0]!r}")
        if same is not None:
            same = np.asarray(same)
            if same.ndim != 1 or 2 * len(same) != len(rows) or not np.isin(same, (0, 1)).all():
                raise ShapeError(f"{source}: same has shape {same.shape}; expected ({len(rows) // 2},) of 0 and 1")
            same = same.astype(bool)
            digest.update(same.tobytes())
        return cls(rows, kept, digest.hexdigest(), source, same)

    def __len__(self) -> int:
        return len(self.embeddings)

    def save(self, path: str | Path) -> None:
        """Write as ``.npz``, for :func:`load_embeddings`; the file appears complete or not at all."""
        arrays: dict[str, Any] = dict(self.columns)
        if self.same is not None:
            arrays["same"] = self.same
        with atomic_write(path) as part, open(part, "wb") as handle:
            np.savez(handle, embeddings=self.embeddings, **arrays)

    def column(self, name: str) -> np.ndarray:
        """A column. Without a column ``label``, :mod:`facezoo.data.identity` takes the labels from ``name``.

        Raises:
            UnknownNameError: there is no such column.
        """
        if name in self.columns:
            return self.columns[name]
        if name == "label" and "name" in self.columns:
            return np.array(identities_of(self.columns["name"].tolist()))
        raise UnknownNameError("column", name, self.columns)

    def choose(self, where: Mapping[str, Any] | None) -> np.ndarray:
        """The rows with the wanted values, bool (N,); values are compared as text.

        Raises:
            ProtocolError: there is no such row.
        """
        chosen = np.ones(len(self), bool)
        for name, wanted in (where or {}).items():
            values = wanted if isinstance(wanted, list) else [wanted]
            chosen &= np.isin(_column_text(self.column(name)), [_value_text(value) for value in values])
        if not chosen.any():
            raise ProtocolError(f"no row of {self.source} has {dict(where or {})}")
        return chosen

    def rows_of(self, names: Sequence[str]) -> np.ndarray:
        """Row of each name, int64; if no name is found, names are compared without suffixes such as .jpg.

        Raises:
            ProtocolError: a name has no embedding.
        """
        at = {name: row for row, name in enumerate(self.column("name").tolist())}
        if names and not any(name in at for name in names):
            at = {str(Path(name).with_suffix("")): row for name, row in at.items()}
            names = [str(Path(name).with_suffix("")) for name in names]
        missing = [name for name in names if name not in at]
        if missing:
            raise ProtocolError(
                f"{len(missing)} of {len(names)} images of the list have no embedding in {self.source}, "
                f"first {missing[0]!r}"
            )
        return np.array([at[name] for name in names], np.int64)


def _value_text(value: object) -> str:
    """A value of a protocol as text; true and false become "1" and "0"."""
    return str(int(value)) if isinstance(value, bool | np.bool_) else str(value)


def _column_text(values: np.ndarray) -> np.ndarray:
    """A column as text; booleans become "1" and "0", floats with integer values become integers."""
    if values.dtype == bool:
        values = values.astype(int)
    if values.dtype.kind == "f" and (values == np.round(values)).all():
        values = values.astype(np.int64)
    return values.astype(str)


def load_embeddings(path: str | Path, table: str | Path | None = None) -> EmbeddingSet:
    """Read embeddings with their columns.

    Args:
        path: ``.npz`` with ``embeddings`` and one array per column, or with ``same`` for rows in pairs; ``.npy``
            with the rows only; ``.parquet`` with a list column ``embedding`` and other columns.
        table: CSV with a header and one line per row, for more columns. If the file and the table have a column
            ``name``, the lines may be in any order.

    Raises:
        DataError: a file is missing or has another format.
        UnsafeFileError: a file contains pickled objects.
        ShapeError, ProtocolError: rows and columns do not match.
    """
    source, path = str(path), local_path(path)
    table = None if table is None else local_path(table)
    readers = {".npz": _read_npz, ".npy": _read_npy, ".parquet": _read_parquet}
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise DataError(f"{source!r} ends in {suffix or 'nothing'}; expected {', '.join(readers)}")
    embeddings, columns = readers[suffix](Path(path))
    if table is not None:
        columns = {**columns, **_read_table(Path(table), columns, len(embeddings))}
    columns = dict(columns)
    same = columns.pop("same", None)
    return EmbeddingSet.build(embeddings, columns, source, same)


def read_columns(store: EmbeddingSet, table: str | Path) -> EmbeddingSet:
    """The same embeddings with the columns of a CSV added, see :func:`load_embeddings`."""
    columns = {**store.columns, **_read_table(Path(table), store.columns, len(store))}
    return EmbeddingSet.build(store.embeddings, columns, store.source, store.same)


def _read_npz(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    arrays = read_npz(path)
    key = next((name for name in EMBEDDING_KEYS if name in arrays), None)
    if key is None:
        raise DataError(f"{str(path)!r} contains {', '.join(arrays) or 'nothing'}; expected 'embeddings'")
    rows = arrays.pop(key)
    return rows, {name: values for name, values in arrays.items() if values.ndim == 1}


def _read_npy(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    return read_npy(path), {}


def _read_parquet(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise BackendUnavailableError(
            "reading Parquet needs pyarrow; install it with: pip install 'facezoo[parquet]'"
        ) from error
    try:
        return _from_arrow(parquet.read_table(path), path)
    except (OSError, arrow.ArrowException, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"cannot read {str(path)!r}: {reason}") from error


def _from_arrow(table: Any, path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    import pyarrow as arrow

    key = next((name for name in EMBEDDING_KEYS if name in table.column_names), None)
    if key is None:
        raise DataError(f"{str(path)!r} has columns {', '.join(table.column_names)}; expected 'embedding'")
    lists = table.column(key).combine_chunks()
    if not arrow.types.is_list(lists.type) and not arrow.types.is_fixed_size_list(lists.type):
        raise DataError(f"{str(path)!r}: column {key!r} is {lists.type}; expected a list of numbers")
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    if len(lists) == 0 or len(flat) % len(lists) or lists.null_count:
        raise ShapeError(f"{str(path)!r}: embeddings have different lengths")
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    if (lengths != lengths[0]).any():
        raise ShapeError(f"{str(path)!r}: embeddings have different lengths, {lengths.min()} to {lengths.max()}")
    others = {name: table.column(name).to_numpy() for name in table.column_names if name != key}
    plain = {name: v.astype(str) if v.dtype == object else v for name, v in others.items()}
    return flat.reshape(len(lists), -1), plain


def _read_table(path: Path, known: Mapping[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            lines = list(csv.DictReader(handle, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read table {str(path)!r}: {error}") from error
    if len(lines) != rows:
        raise ShapeError(f"table {str(path)!r} has {len(lines)} lines for {rows} embeddings; expected one each")
    if any(None in line or None in line.values() for line in lines):
        raise DataError(f"table {str(path)!r}: a line has more or fewer fields than the header")
    columns = {ALIASES.get(name, name): np.array([line[name] for line in lines]) for name in lines[0]}
    stored = next((values for name, values in known.items() if ALIASES.get(name, name) == "name"), None)
    if stored is None or "name" not in columns:
        return columns
    at = {name: row for row, name in enumerate(columns["name"].tolist())}
    missing = [name for name in stored.astype(str).tolist() if name not in at]
    if missing:
        raise ProtocolError(f"table {str(path)!r} lacks {len(missing)} of {rows} names, first {missing[0]!r}")
    order = [at[name] for name in stored.astype(str).tolist()]
    return {name: values[order] for name, values in columns.items() if name != "name"}
