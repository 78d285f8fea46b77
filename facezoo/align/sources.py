"""The photos and videos to align, and the paths of their crops."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from facezoo.data.image import IMAGE_SUFFIXES
from facezoo.errors import ConfigError, DataError

VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True)
class Item:
    """One photo or one video.

    Attributes:
        key: path below the folder of photos, with forward slashes.
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
    of one folder differ only in the extension, the name of the crop includes the extension.

    Raises:
        DataError: the folder is missing, or holds no photo or video.
        ConfigError: the output is inside the folder of photos.
    """
    root, out = Path(photos), Path(out)
    if root.is_file():
        return [Item(root.name, str(root), root.stem)]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder of photos")
    if root.resolve() in (out.resolve(), *out.resolve().parents):
        raise ConfigError(f"{out}: the output is inside the folder of photos {root}; the next call would align crops")
    keys = sorted(_walk(root))
    if not keys:
        raise DataError(f"{root}: holds no photo or video ({' '.join(sorted(IMAGE_SUFFIXES | VIDEOS))})")
    stems: dict[str, int] = {}
    for key in keys:
        stem = key[: -len(Path(key).suffix)]
        stems[stem] = stems.get(stem, 0) + 1
    items = []
    for key in keys:
        stem = key[: -len(Path(key).suffix)]
        items.append(Item(key, str(root / key), stem if stems[stem] == 1 else key))
    return items


def _walk(root: Path) -> list[str]:
    found = []
    for folder, names, files in os.walk(root, followlinks=True):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES | VIDEOS:
                found.append(Path(folder, name).relative_to(root).as_posix())
    return found
