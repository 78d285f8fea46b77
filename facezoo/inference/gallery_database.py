"""The SQLite file of a stored gallery: which row of embeddings is whose."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from facezoo.errors import DataError

WAIT = 60.0  # seconds to wait for another process that writes
NUMBERS = ("format", "size", "rows", "indexed")
TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE persons (
    row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, photos INTEGER NOT NULL, length REAL NOT NULL
);
CREATE TABLE removed (row INTEGER PRIMARY KEY, erased INTEGER NOT NULL DEFAULT 0);
"""


def create(path: Path, values: Mapping[str, Any]) -> None:
    """Write a new file with these facts."""
    database = sqlite3.connect(path)
    with database:
        database.executescript(TABLES)
        database.executemany("INSERT INTO facts VALUES (?, ?)", values.items())
    database.close()


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file in one state, whatever others write meanwhile.

    Raises:
        DataError: it is damaged or cannot be opened.
    """
    with _opened(path, "ro") as database:
        database.execute("BEGIN")
        yield database


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """The file for changes, which become valid together at the end of the block, or not at all.

    Raises:
        DataError: it is damaged or cannot be opened.
    """
    with _opened(path, "rw") as database:
        database.execute("PRAGMA secure_delete = ON")  # names of removed persons are overwritten
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    try:
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT, isolation_level=None
        )
        try:
            yield database
        finally:
            database.close()  # what was not committed is undone
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged or cannot be opened: {error}") from error


def facts(database: sqlite3.Connection) -> dict[str, Any]:
    """Format, embedding size, number of rows, rows that the index covers, and the model."""
    found = dict(database.execute("SELECT name, value FROM facts").fetchall())
    wrong = [name for name in NUMBERS if not isinstance(found.get(name), int) or found[name] < 0]
    if wrong:
        raise sqlite3.DatabaseError(f"it does not state {', '.join(wrong)}")
    return found


def set_fact(database: sqlite3.Connection, name: str, value: int) -> None:
    """Change one fact."""
    database.execute("UPDATE facts SET value = ? WHERE name = ?", (value, name))


class Person(NamedTuple):
    """One person.

    Attributes:
        row: of the embedding.
        photos: number of photos.
        length: of the sum of their unit embeddings, whose direction the embedding is.
    """

    row: int
    photos: int
    length: float


def person(database: sqlite3.Connection, name: str) -> Person | None:
    """The person of a name; None if there is none."""
    found = database.execute("SELECT row, photos, length FROM persons WHERE name = ?", (name,)).fetchone()
    if found is None:
        return None
    if not all(isinstance(value, int | float) for value in found):
        raise sqlite3.DatabaseError(f"the entry of {name!r} holds other values than numbers")
    return Person(*found)


def name_of(database: sqlite3.Connection, row: int) -> str:
    """The person of a row."""
    found = database.execute("SELECT name FROM persons WHERE row = ?", (row,)).fetchone()
    if found is None:
        raise sqlite3.DatabaseError(f"row {row} belongs to nobody and is not removed")
    return str(found[0])


def forget(database: sqlite3.Connection, rows: Iterable[int]) -> None:
    """Take rows out of the persons, and note them as removed."""
    listed = [(row,) for row in rows]
    database.executemany("DELETE FROM persons WHERE row = ?", listed)
    database.executemany("INSERT INTO removed (row) VALUES (?)", listed)


def not_erased(database: sqlite3.Connection) -> list[int]:
    """Removed rows whose embeddings still stand in the file."""
    return [row for (row,) in database.execute("SELECT row FROM removed WHERE erased = 0")]


def set_erased(database: sqlite3.Connection) -> None:
    """Note that the embeddings of all removed rows are overwritten."""
    database.execute("UPDATE removed SET erased = 1 WHERE erased = 0")
