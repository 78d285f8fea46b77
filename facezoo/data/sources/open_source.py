"""One function that opens a data set of any layout."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from facezoo.data.sources.folder import ImageFolder, is_image_name
from facezoo.data.sources.list_file import ListFile
from facezoo.data.sources.recordio import RecordIO
from facezoo.data.sources.shard_index import INDEX
from facezoo.data.sources.shards import Shards
from facezoo.data.sources.source import Source, StreamSource
from facezoo.download.urls import beside, is_url, local_path
from facezoo.errors import DataError

logger = logging.getLogger(__name__)

_KINDS = "a folder of identity folders, a list file, a .rec file or its folder, or a folder of tar shards"


def open_source(path: str | os.PathLike[str], *, min_classes: int = 2) -> Source | StreamSource:
    """Open a data set; its layout is recognised by its files.

    A folder with ``train.rec`` (or one other ``.rec``) is an InsightFace pack, one with ``index.json`` or
    with tar files and no folders holds shards, any other has one folder per identity. A file is a ``.rec`` or a list
    of images.

    Args:
        path: the file or folder, or its URL: see :mod:`facezoo.download.urls`.
        min_classes: fewer identities than this are refused; training needs two.

    Raises:
        DataError: nothing is there, it is empty, of no known kind, or has too few identities.
    """
    given, path = path, local_data(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected {_KINDS}")
    source = _open_folder(path) if path.is_dir() else _open_file(path, given)
    if source.num_classes < min_classes:
        raise DataError(
            f"{path}: {source.num_classes} identity ({source.class_names[0]!r}); expected at least {min_classes}"
        )
    logger.debug("%s is read as %s: %d identities", path, type(source).__name__, source.num_classes)
    return source


def data_kind(path: str | os.PathLike[str]) -> str:
    """The layout of a data path: "folder", "list", "rec", "shards" or "bin", by file names only."""
    path = local_data(path)
    if path.is_dir():
        if _packs(path):
            return "rec"
        return "shards" if _shards(path) else "folder"
    return {".rec": "rec", ".idx": "rec", ".bin": "bin"}.get(path.suffix.lower(), "list")


def _open_folder(path: Path) -> Source | StreamSource:
    packs = _packs(path)
    if len(packs) > 1 and path / "train.rec" not in packs:
        raise DataError(f"{path}: holds {len(packs)} .rec files ({packs[0].name}, {packs[1].name}, ...); name one")
    if packs:
        return RecordIO(path / "train.rec" if path / "train.rec" in packs else packs[0])
    return Shards(path) if _shards(path) else ImageFolder(path)


def _open_file(path: Path, given: str | os.PathLike[str]) -> Source:
    suffix = path.suffix.lower()
    if suffix in (".rec", ".idx"):
        return RecordIO(path.with_suffix(".rec"))
    if suffix == ".bin":
        raise DataError(f"{path}: a verification .bin holds pairs without identities; expected {_KINDS}")
    if is_image_name(path.name) or suffix in (".tar", ".zip", ".tgz", ".gz"):
        raise DataError(f"{path}: one {suffix} file is not a data set; expected {_KINDS}")
    return ListFile(given)


def local_data(path: str | os.PathLike[str]) -> Path:
    """The path of data, or of the copy of a URL in the cache; of a ``.rec`` together with the files beside it.

    Raises:
        DataError, DownloadError, ConfigError: as :func:`facezoo.download.urls.local_path`.
    """
    place = local_path(path)
    if is_url(path) and place.suffix.lower() in (".rec", ".idx"):
        for name in (f"{place.stem}.rec", f"{place.stem}.idx", f"{place.stem}.names.json", "property"):
            with contextlib.suppress(DataError):  # a pack may lack it; its reader says what is missing
                local_path(beside(path, name))
    return place


def _packs(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.rec") if not file.name.startswith("."))


def _shards(folder: Path) -> bool:
    if (folder / INDEX).is_file() or any(folder.glob("shard-*.tar")):
        return True
    visible = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return any(entry.suffix == ".tar" for entry in visible) and not any(entry.is_dir() for entry in visible)
