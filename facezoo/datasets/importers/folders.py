"""LFW, and any archive of identity folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from facezoo.data.identity import identities_of, root_depth
from facezoo.data.sources.folder import is_image_name
from facezoo.datasets.importers.result import Imported, compare, count_folder, is_layout, require_people
from facezoo.datasets.schema import DataSet
from facezoo.download import extract, member_names
from facezoo.errors import ConfigError, DataError, UnsafeFileError
from facezoo.io.progress import OnProgress

PAIR_LIST = "pairs.txt"
MOST = 100_000_000  # members of an archive whose names are read
LFW_MEMBER = re.compile(r"(?:.*/)?(?P<name>[^/]+)/(?P<file>(?P=name)_\d{4}\.jpg)")


def lfw_path(member: str) -> str | None:
    """NAME/NAME_0001.jpg without the folders above it; None for anything else.

    >>> lfw_path("lfw-deepfunneled/Al_Gore/Al_Gore_0002.jpg")
    'Al_Gore/Al_Gore_0002.jpg'
    """
    found = LFW_MEMBER.fullmatch(member)
    return f"{found['name']}/{found['file']}" if found else None


def identity_path(member: str, level: int = 1) -> str | None:
    """IDENTITY/../IMAGE: an image and the ``level``-th folder above it; None for other files.

    >>> identity_path("set/train/ann/1.jpg"), identity_path("ytf/Al_Gore/0/0.1.jpg", 2)
    ('ann/1.jpg', 'Al_Gore/0/0.1.jpg')
    """
    parts = member.split("/")
    if len(parts) <= level or not is_image_name(parts[-1]) or parts[-2].startswith((".", "__MACOSX")):
        return None
    return "/".join(parts[-level - 1 :])


def import_lfw(archive: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """Any of LFW's three archives into identity folders; the counts must match the index."""
    return _import(archive, out, entry, partial, on_progress, lfw_path, "lfw")


def import_folder(
    archive: Path,
    out: Path,
    entry: DataSet | None,
    partial: bool,
    on_progress: OnProgress,
    person_folder: int | None = None,
) -> Imported:
    """An archive of identity folders, of any data set; counts are not checked.

    Args:
        archive: the archive.
        out: the new folder.
        entry: its entry in the index.
        partial: not used: counts are not checked.
        on_progress: called with the number of files written.
        person_folder: which folder names the person: 1 is the folder of the image, 2 the one above it; 0 is the first
            folder below those that all images share, as everywhere else (:mod:`facezoo.data.identity`). By default
            1, if 0 gives the same people and the names found are not those of a layout.

    Raises:
        DataError: there are no images in folders, one person only, or the folders do not look like people.
    """
    if person_folder is not None and person_folder < 0:
        raise ConfigError(
            f"person folder is {person_folder}; expected 1 (the folder of the image) or more, or 0 (the first folder "
            "that differs)"
        )
    depth = _shared_folders(archive) if person_folder == 0 else 0
    images: list[str] = []
    above: dict[str, set[str]] = {}  # person -> folders that hold a folder of this name
    lists: set[str] = set()

    def place(member: str) -> str | None:
        if member.rsplit("/", 1)[-1] == PAIR_LIST and not lists:
            lists.add(member)
            return PAIR_LIST
        if person_folder == 0:
            return None if identity_path(member) is None else "/".join(member.split("/")[depth:])
        path = identity_path(member, person_folder or 1)
        if path is not None:
            images.append(member)
            above.setdefault(path.split("/", 1)[0], set()).add(member[: -len(path)])
        return path

    def ask(folder: Path) -> None:
        if person_folder is None:
            require_people(above)
            if entry is None:  # of a data set of the index the layout is known
                _require_one_reading(images)

    try:
        return _import(archive, out, entry, True, on_progress, place, "folder", ask)
    except UnsafeFileError:  # two images of one name may be from two people whose folders were merged
        ask(out)
        raise


def _shared_folders(archive: Path) -> int:
    """The number of folders that all images of an archive share."""
    return root_depth(name for name in member_names(archive, MOST) if identity_path(name) is not None)


def _require_one_reading(images: list[str]) -> None:
    """Check that the folder of the image and the first folder that differs name the same people."""
    for image, person in zip(images, identities_of(images), strict=True):
        own = image.split("/")[-2]
        if own != person and not is_layout(person):
            raise DataError(
                f"{image!r} may show {own!r} (the folder of the image) or {person!r} (the first folder that differs); "
                "say which folder names the person: --person-folder 1 or --person-folder 0"
            )


def _import(
    archive: Path,
    out: Path,
    entry: DataSet | None,
    partial: bool,
    on_progress: OnProgress,
    rename: Callable[[str], str | None],
    kind: str,
    ask: Callable[[Path], None] = lambda folder: None,
) -> Imported:
    results = []

    def check(folder: Path) -> None:
        ask(folder)
        images, identities = count_folder(folder)
        compare(entry, images, identities, partial)
        results.append(Imported(entry.name if entry else "", kind, images, identities, {"from": archive.name}))
        results[0].write(folder)

    extract(archive, out, rename=rename, on_progress=on_progress, check=check)
    return results[0]
