"""Images in folders, one folder per identity: the layout of LFW, CASIA-WebFace and VGGFace2."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from facezoo.data.image import IMAGE_SUFFIXES, read_file
from facezoo.data.sources.encoded import EncodedSource
from facezoo.errors import DataError


class ImageFolder(EncodedSource):
    """``ROOT/IDENTITY/.../IMAGE``; identities in order of name, images in order of path.

    Hidden files and folders (a leading dot), identity folders without images, and images in ROOT itself are left out.

    Args:
        root: the folder that holds the identity folders.

    Raises:
        DataError: the folder is missing, or no identity folder holds an image.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"{self.root}: {'not a folder' if self.root.exists() else 'no such folder'}")
        self.class_names: list[str] = []
        self._paths: list[str] = []  # relative to root
        labels: list[int] = []
        root = Path(os.path.realpath(self.root))
        above = (str(root), *map(str, root.parents))
        for identity in _visible(self.root):
            found = _images_below(Path(identity.path), identity.name, above) if identity.is_dir() else []
            if found:
                labels += [len(self.class_names)] * len(found)
                self._paths += found
                self.class_names.append(identity.name)
        self.labels = np.array(labels, np.int64)
        if not labels:
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


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror})") from error


def _images_below(folder: Path, prefix: str, above: tuple[str, ...] = ()) -> list[str]:
    """Image paths at any depth, relative, sorted; a link back to a folder above is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return []
    found = []
    for entry in _visible(folder):
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            found += _images_below(Path(entry.path), name, (*above, real))
        elif is_image_name(entry.name):
            found.append(name)
    return sorted(found)


def _why_empty(root: Path) -> str:
    loose = sum(is_image_name(entry.name) for entry in _visible(root))
    if loose:
        return f"{loose} images are in the folder itself; expected one folder per identity with its images inside"
    return f"no images; expected FOLDER/IDENTITY/IMAGE with {', '.join(sorted(IMAGE_SUFFIXES))}"
