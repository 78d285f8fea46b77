"""Images in folders, one folder per identity: the layout of LFW, CASIA-WebFace and VGGFace2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facezoo.data.image import IMAGE_SUFFIXES, read_file
from facezoo.data.sources import index_cache
from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.index_cache import Strings, load, store
from facezoo.errors import DataError


class ImageFolder(EncodedSource):
    """``ROOT/IDENTITY/.../IMAGE``; identities in order of name, images in order of path.

    Hidden files and folders (a leading dot), identity folders without images, and images in ROOT itself are left out.
    The index of a large folder is kept in the cache folder, and used as long as no folder in it has changed.

    Args:
        root: the folder that holds the identity folders.

    Raises:
        DataError: the folder is missing, or no identity folder holds an image.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"{self.root}: {'not a folder' if self.root.exists() else 'no such folder'}")
        index = _stored(self.root) or _listed(self.root)
        self._paths = Strings(index["paths"], index["ends"])  # relative to root
        names = Strings(index["names"], index["name_ends"])
        self.class_names = [names[label] for label in range(len(names))]
        self.labels = index["labels"]
        if not len(self.labels):
            raise DataError(f"{self.root}: {_why_empty(self.root)}")

    def key(self, index: int) -> str:
        """The path of image ``index``."""
        return str(self.root / self._paths[index])

    def encoded(self, index: int) -> bytes:
        """The file's bytes."""
        return read_file(self.root / self._paths[index])


def is_image_name(name: str) -> bool:
    """Whether a file name has a suffix of ``IMAGE_SUFFIXES`` and no leading dot.

    >>> is_image_name("a.JPG"), is_image_name("._a.jpg"), is_image_name("a.txt")
    (True, False, False)
    """
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _stored(root: Path) -> dict[str, np.ndarray]:
    """The index in the cache; empty where there is none, or a folder has changed."""
    index = load(root)
    try:
        folders = Strings(index["folders"], index["folder_ends"])
        times = index["times"].tolist()
        unchanged = all(os.stat(folders[at]).st_mtime_ns == times[at] for at in range(len(folders)))
    except (KeyError, OSError):
        return {}
    return index if unchanged else {}


def _listed(root: Path) -> dict[str, np.ndarray]:
    """The index by reading the folders; kept where it is large."""
    visited: list[tuple[str, int]] = [(str(root), os.stat(root).st_mtime_ns)]
    names: list[str] = []
    counts: list[int] = []
    real = Path(os.path.realpath(root))
    above = (str(real), *map(str, real.parents))

    def paths() -> Iterator[str]:
        for identity in _visible(root):
            found = _images_below(Path(identity.path), identity.name, above, visited) if identity.is_dir() else []
            if found:
                names.append(identity.name)
                counts.append(len(found))
                yield from found

    listed = Strings.pack(paths())
    packed, folders = Strings.pack(names), Strings.pack(path for path, _ in visited)
    times = np.array([changed for _, changed in visited], np.int64)
    labels = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    index = {
        "paths": listed.values, "ends": listed.ends, "names": packed.values, "name_ends": packed.ends,
        "labels": labels, "folders": folders.values, "folder_ends": folders.ends, "times": times,
    }  # fmt: skip
    if len(labels) >= index_cache.LARGE:
        store(root, index, int(times.max()))
    return index


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror})") from error


def _images_below(folder: Path, prefix: str, above: tuple[str, ...], visited: list[tuple[str, int]]) -> list[str]:
    """Image paths at any depth, relative, sorted; a link back to a folder above is not followed.

    ``visited`` gets each folder and when it was last changed, in nanoseconds.
    """
    real = os.path.realpath(folder)
    if real in above:
        return []
    visited.append((str(folder), os.stat(folder).st_mtime_ns))
    found = []
    for entry in _visible(folder):
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            found += _images_below(Path(entry.path), name, (*above, real), visited)
        elif is_image_name(entry.name):
            found.append(name)
    return sorted(found)


def _why_empty(root: Path) -> str:
    loose = sum(is_image_name(entry.name) for entry in _visible(root))
    if loose:
        return f"{loose} images are in the folder itself; expected one folder per identity with its images inside"
    return f"no images; expected FOLDER/IDENTITY/IMAGE with {', '.join(sorted(IMAGE_SUFFIXES))}"
