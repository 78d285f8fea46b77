"""The photos and videos to align, and the paths of their crops."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facezoo.data.image import IMAGE_SUFFIXES
from facezoo.download.urls import local_path
from facezoo.errors import ConfigError, DataError

VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True)
class Item:
    """One photo or one video.

    Attributes:
        key: path below the folder of photos, with forward slashes, as text (see :func:`as_text`).
        path: path of the file.
        target: path of the crop below the output folder, without extension.
    """

    key: str
    path: str
    target: str

    @property
    def video(self) -> bool:
        """Whether the suffix is that of a video."""
        return Path(self.path).suffix.lower() in VIDEOS


def find_items(photos: str | Path, out: str | Path) -> list[Item]:
    """Photos and videos below a folder, in order of path; or the given file.

    Hidden files and folders (a leading dot) are left out. A crop has the folder and name of its photo. If two photos
    of one folder differ only in the extension, the names of their crops include it. A link to a folder above itself is
    not followed.

    Raises:
        DataError: the folder is missing, or holds no photo or video.
        ConfigError: the output is inside the folder of photos.
    """
    root, out = local_path(photos), Path(out)
    if root.is_file():
        return [Item(as_text(root.name), str(root), as_text(root.stem))]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder of photos")
    if root.resolve() in (out.resolve(), *out.resolve().parents):
        raise ConfigError(f"{out}: the output is inside the folder of photos {root}; the next call would align crops")
    keys = sorted(_walk(root))
    if not keys:
        raise DataError(f"{root}: holds no photo or video ({' '.join(sorted(IMAGE_SUFFIXES | VIDEOS))})")
    targets = _targets([as_text(key) for key in keys])
    return [Item(as_text(key), str(root / key), targets[as_text(key)]) for key in keys]


def _targets(keys: list[str]) -> dict[str, str]:
    """The path of the crop of each photo, without extension; every one is different."""
    targets = {key: key[: -len(Path(key).suffix)] for key in keys}
    while True:
        counts = Counter(targets.values())
        clash = [key for key, target in targets.items() if counts[target] > 1 and target != key]
        if not clash:
            return targets
        targets.update({key: key for key in clash})  # a.jpg and a.png; then a.jpg.png, whose stem is a.jpg


def as_text(name: str) -> str:
    r"""A file name with the bytes that are not UTF-8 written as ``\xe9``, so that it fits in a table.

    >>> print(as_text("Jos\udce9.jpg"))
    Jos\xe9.jpg
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def stamp(path: str) -> dict[str, int]:
    """Size and time of modification of a file, by which a replaced photo is known; empty if it is gone."""
    try:
        state = os.stat(path)
    except OSError:
        return {}
    return {"bytes": state.st_size, "modified": state.st_mtime_ns}


def _walk(root: Path) -> list[str]:
    above = frozenset(map(str, Path(os.path.realpath(root)).parents))
    return [path.relative_to(root).as_posix() for path in _files(root, above)]


def _files(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    """Photos and videos below a folder, also through links, except links to a folder that is being read or above it."""
    here = os.path.realpath(folder)
    if here in above:
        return
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), above | {here})
        elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES | VIDEOS:
            yield Path(entry.path)
