"""Download of a data set's files, and the list of those to download by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facezoo.datasets.schema import DataSet
from facezoo.download import Options, cache, fetch, offline
from facezoo.download.published import IndexedFile
from facezoo.errors import DownloadError, UnknownNameError
from facezoo.io.progress import OnProgress, ignore_progress, part_of


@dataclass(frozen=True)
class Obtained:
    """The files of a data set after a download.

    Attributes:
        folder: the folder of the files.
        present: paths of the files that are there and were checked.
        missing: one line per file to download by hand: its source, and where to put it.
    """

    folder: Path
    present: list[Path]
    missing: list[str]


def default_folder(name: str) -> Path:
    """The default folder of a data set's files."""
    return cache.root() / "datasets" / name


def chosen_files(entry: DataSet, names: list[str], everything: bool) -> list[IndexedFile]:
    """The files of these names; without names, those that are not optional, or all if ``everything``.

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


def in_browser(files: list[IndexedFile], folder: Path) -> list[IndexedFile]:
    """The files without a direct address that are not there yet; a person must fetch them with a browser."""
    if offline.folder() is not None or offline.address() is not None:
        return []
    return [file for file in files if not file.urls and not (folder / file.name).exists()]


def obtain(
    entry: DataSet,
    folder: Path,
    files: list[IndexedFile],
    *,
    options: Options | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Obtained:
    """Download ``files`` into ``folder``; a file put there by hand is checked and used.

    Args:
        entry: the data set.
        folder: the target folder.
        files: the files of the entry to download.
        options: retries and time limits of the downloads.
        on_progress: called with the number of bytes of all files on disk and, if known, their total.

    Raises:
        DownloadError: a file with an address could not be downloaded, or a file is not the published one.
    """
    present, missing, done = [], [], 0
    sizes = [file.size for file in files]
    total = None if "unknown" in sizes else sum(size for size in sizes if size != "unknown")
    for file in files:
        target = folder / file.name
        if file.urls or target.exists() or offline.folder() is not None or offline.address() is not None:
            present.append(_one(entry, file, folder, options, part_of(on_progress, done, total, file.name)))
            done += present[-1].stat().st_size
        else:
            missing.append(by_hand(file, target))
    if not entry.files:
        missing.append(f"no file of {entry.name} has an address: {entry.how}")
    return Obtained(folder, present, missing)


def _one(entry: DataSet, file: IndexedFile, folder: Path, options: Options | None, on_progress: OnProgress) -> Path:
    if not file.urls and (folder / file.name).exists():
        fault = file.remote().fault(folder / file.name)
        if fault is not None:
            raise DownloadError(f"{folder / file.name} {fault}; download it again: {by_hand(file, folder / file.name)}")
    return fetch(file.remote(), folder, shelf=entry.name, options=options, on_progress=on_progress)


def by_hand(file: IndexedFile, target: Path) -> str:
    """One line: the file, its source, where to put it, and its hash."""
    source = f"from {file.page}" if file.page != "unknown" else "(its address is unknown)"
    known = [f"{name} {value}" for name in ("sha256", "md5") if (value := getattr(file, name)) != "unknown"]
    check = f" ({known[0]})" if known else " (no hash is published)"
    return f"download {file.name}, {file.holds}, {source} and put it at {target}{check}"
