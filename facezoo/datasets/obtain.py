"""Fetching a data set's files, and saying what has to be fetched by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from facezoo.datasets.schema import DataSet
from facezoo.download import Options, cache, fetch, offline
from facezoo.download.published import IndexedFile
from facezoo.download.transfer import Meter
from facezoo.errors import DownloadError, UnknownNameError

Bar = Callable[[str], AbstractContextManager["Meter | None"]]


@dataclass(frozen=True)
class Obtained:
    """What is there now.

    Attributes:
        folder: where the files are.
        present: paths of the files that are there and were checked.
        missing: one line for each file that a person has to fetch: from where, and where to put it.
    """

    folder: Path
    present: list[Path]
    missing: list[str]


def default_folder(name: str) -> Path:
    """Where a data set's files go when nothing else is said."""
    return cache.root() / "datasets" / name


def chosen_files(entry: DataSet, names: list[str], everything: bool) -> list[IndexedFile]:
    """The files asked for; without a wish, those that are not optional.

    Raises:
        UnknownNameError: a name is not one of the entry's files.
    """
    by_name = {file.name: file for file in entry.files}
    for name in names:
        if name not in by_name:
            raise UnknownNameError(f"file of {entry.name}", name, by_name)
    if names:
        return [by_name[name] for name in names]
    return [file for file in entry.files if everything or not file.optional]


def obtain(
    entry: DataSet,
    folder: Path,
    files: list[IndexedFile],
    *,
    options: Options | None = None,
    bar: Bar | None = None,
) -> Obtained:
    """Fetch ``files`` into ``folder``. A file put there by hand is checked and taken.

    Raises:
        DownloadError: a file with an address could not be fetched, or a file is not the published one.
    """
    present, missing = [], []
    for file in files:
        target = folder / file.name
        if file.urls or target.exists() or offline.folder() is not None:
            present.append(_one(entry, file, folder, options, bar))
        else:
            missing.append(by_hand(file, target))
    if not entry.files:
        missing.append(f"no file of {entry.name} has an address: {entry.how}")
    return Obtained(folder, present, missing)


def _one(entry: DataSet, file: IndexedFile, folder: Path, options: Options | None, bar: Bar | None) -> Path:
    if not file.urls and (folder / file.name).exists():
        fault = file.remote().fault(folder / file.name)
        if fault is not None:
            raise DownloadError(f"{folder / file.name} {fault}; fetch it again: {by_hand(file, folder / file.name)}")
    if bar is None:
        return fetch(file.remote(), folder, shelf=entry.name, options=options)
    with bar(file.name) as meter:
        return fetch(file.remote(), folder, shelf=entry.name, options=options, meter=meter)


def by_hand(file: IndexedFile, target: Path) -> str:
    """What to fetch, where from, where to put it, and how to tell it is right."""
    source = f"from {file.page}" if file.page != "unknown" else "(its address is unknown)"
    known = [f"{name} {value}" for name in ("sha256", "md5") if (value := getattr(file, name)) != "unknown"]
    check = f" ({known[0]})" if known else " (no hash is published)"
    return f"fetch {file.name}, {file.holds}, {source} and put it at {target}{check}"
