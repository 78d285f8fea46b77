"""LFW, and any archive of identity folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from facezoo.data.sources.folder import is_image_name
from facezoo.datasets.importers.result import Imported, compare, count_folder
from facezoo.datasets.schema import DataSet
from facezoo.download import extract
from facezoo.io.progress import OnProgress

LFW_MEMBER = re.compile(r"(?:.*/)?(?P<name>[^/]+)/(?P<file>(?P=name)_\d{4}\.jpg)")


def lfw_path(member: str) -> str | None:
    """NAME/NAME_0001.jpg without the folders above it; None for anything else.

    >>> lfw_path("lfw-deepfunneled/Al_Gore/Al_Gore_0002.jpg")
    'Al_Gore/Al_Gore_0002.jpg'
    """
    found = LFW_MEMBER.fullmatch(member)
    return f"{found['name']}/{found['file']}" if found else None


def identity_path(member: str) -> str | None:
    """IDENTITY/IMAGE: an image and its folder; None for other files and for images without a folder."""
    parts = member.split("/")
    if len(parts) < 2 or not is_image_name(parts[-1]) or parts[-2].startswith((".", "__MACOSX")):
        return None
    return "/".join(parts[-2:])


def import_lfw(archive: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """Any of LFW's three archives into identity folders; the counts must match the index."""
    return _import(archive, out, entry, partial, on_progress, lfw_path, "lfw")


def import_folder(archive: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """An archive of identity folders, of any data set; counts are not checked."""
    return _import(archive, out, entry, True, on_progress, identity_path, "folder")


def _import(
    archive: Path,
    out: Path,
    entry: DataSet | None,
    partial: bool,
    on_progress: OnProgress,
    rename: Callable[[str], str | None],
    kind: str,
) -> Imported:
    results = []

    def check(folder: Path) -> None:
        images, identities = count_folder(folder)
        compare(entry, images, identities, partial)
        results.append(Imported(entry.name if entry else "", kind, images, identities, {"from": archive.name}))
        results[0].write(folder)

    extract(archive, out, rename=rename, on_progress=on_progress, check=check)
    return results[0]
