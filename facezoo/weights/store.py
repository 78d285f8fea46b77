"""From a name to a file on disk: downloaded, checked and unpacked, if its licence and hash are known or accepted."""

from __future__ import annotations

import fnmatch
import logging
import os
import shutil
from pathlib import Path

from facezoo.download import Options, RemoteFile, cache, extract, member_names, offline, terms
from facezoo.download import fetch as download
from facezoo.errors import DownloadError
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.weights import index
from facezoo.weights.schema import WeightsEntry, WeightsFile

logger = logging.getLogger(__name__)

LIMIT = "FACEZOO_CACHE_LIMIT"  # such as "20GB"; least recently used files are deleted first


def folder_of(name: str, cache_dir: str | Path | None = None) -> Path:
    """The cache folder of a model."""
    return (Path(cache_dir) if cache_dir is not None else cache.root()) / "weights" / name


def canonical_path(name: str, cache_dir: str | Path | None = None) -> Path:
    """The path of the imported model, a facezoo weight file."""
    return folder_of(name, cache_dir) / f"{name}.facezoo.safetensors"


def fetch(
    name: str,
    *,
    cache_dir: str | Path | None = None,
    yes: bool = False,
    options: Options | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Path:
    """The model's file as published; it is downloaded and checked if it is not there yet.

    Args:
        name: in the index.
        cache_dir: instead of ``FACEZOO_CACHE`` or the user's cache folder.
        yes: use it even if its licence or a hash is unknown; this is remembered.
        options: patience of the download.
        on_progress: called with the number of bytes on disk and, if known, of all; per file.

    Returns:
        The file; a member that was unpacked where the published file is an archive.

    Raises:
        UnknownNameError: not in the index.
        DownloadError: its licence or a hash is unknown and was not accepted, or it cannot be downloaded.
    """
    entry = index.get(name)
    ask(entry, yes=yes)
    folder = folder_of(entry.name, cache_dir)
    paths = [_fetch(entry, file, folder, options, on_progress) for file in entry.files if not file.optional]
    _make_room(cache_dir, keep=paths[0])
    return paths[0]


def fetch_optional(name: str, *, cache_dir: str | Path | None = None) -> None:
    """The files beside a model that state more about it; a warning where one cannot be had.

    Raises:
        UnknownNameError: not in the index.
    """
    entry = index.get(name)
    for file in entry.files:
        if file.optional:
            try:
                _fetch(
                    entry, file, folder_of(entry.name, cache_dir), Options(retries=1, max_attempts=1), ignore_progress
                )
            except DownloadError as error:
                logger.warning("%s: without %s (%s): %s", entry.name, file.name, file.holds, error)


def ask(entry: WeightsEntry, *, yes: bool) -> None:
    """Check that nothing is unknown, or that it was accepted.

    Raises:
        DownloadError: it was not accepted; the message states what is unknown.
    """
    doubts = "; ".join(entry.doubts())
    key = f"weights {entry.name}"
    if not doubts or terms.accepted(key, doubts):
        return
    if not yes:
        raise DownloadError(f"{entry.name}: {doubts} (to accept this: facezoo weights download {entry.name} --yes)")
    terms.accept(key, doubts)


def present(name: str, cache_dir: str | Path | None = None) -> bool:
    """Whether the files of a model are in the cache; their content is checked when they are used."""
    folder, entry = folder_of(name, cache_dir), index.get(name)
    return all((folder / file.name).is_file() for file in entry.files if not file.optional)


def summary(entry: WeightsEntry) -> str:
    """Size and licence of a model's files, in one line."""
    sizes = [file.size for file in entry.files if not file.optional]
    total = sum(size for size in sizes if isinstance(size, int))
    size = "size unknown" if "unknown" in sizes else f"{total / 1e6:.1f} MB"
    return f"{size}, licence of the weights: {entry.licence.weights}"


def consented(entry: WeightsEntry) -> bool:
    """Whether the user agreed to the download of this default model; another licence must be agreed to again."""
    return terms.accepted(f"default model {entry.name}", summary(entry))


def consent(entry: WeightsEntry) -> None:
    """Record that the user agreed."""
    terms.accept(f"default model {entry.name}", summary(entry))


def _fetch(
    entry: WeightsEntry, file: WeightsFile, folder: Path, options: Options | None, on_progress: OnProgress
) -> Path:
    mirrored = offline.folder() is not None or offline.address() is not None
    if not file.urls and not (folder / file.name).exists() and not mirrored:
        source = f"from {file.page}" if file.page != "unknown" else "(no address is known)"
        raise DownloadError(
            f"{file.name} of {entry.name} must be downloaded by hand, {source}; put it at {folder / file.name}"
        )
    path = download(file.remote(), folder, shelf=entry.name, options=options, on_progress=on_progress)
    return path if file.member is None else _member(file, path)


def _member(file: WeightsFile, archive: Path) -> Path:
    """The one member that matches, unpacked beside the archive and checked before use."""
    assert file.member is not None
    pattern = file.member
    names = [name for name in member_names(archive, 10_000) if fnmatch.fnmatchcase(name.rsplit("/", 1)[-1], pattern)]
    if len(names) != 1:
        raise DownloadError(f"{archive} holds {len(names)} members that match {pattern!r}; expected one")
    wanted = RemoteFile(names[0].rsplit("/", 1)[-1], (), sha256=_known(file.member_sha256))
    target = archive.parent / wanted.name
    if target.exists() and wanted.hashed and wanted.fault(target) is None:
        return target
    scratch = archive.parent / f".{wanted.name}.unpacked"
    try:
        extract(archive, scratch, rename=lambda name: wanted.name if name == names[0] else None)
        fault = wanted.fault(scratch / wanted.name)
        if fault is not None:
            raise DownloadError(f"{names[0]} in {archive} {fault}")
        os.replace(scratch / wanted.name, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _known(value: str) -> str | None:
    return None if value == "unknown" else value


def _make_room(cache_dir: str | Path | None, keep: Path) -> None:
    limit = os.environ.get(LIMIT, "")
    if limit:
        root = Path(cache_dir) if cache_dir is not None else cache.root()
        beside = [path for path in keep.parent.iterdir() if path.is_file()]
        cache.prune(root / "weights", keep_bytes=cache.parse_size(limit), keep=beside)
