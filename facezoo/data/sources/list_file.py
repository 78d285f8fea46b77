"""A text file that lists images and their identities, one ``PATH<TAB or space>LABEL`` per line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from facezoo.data.image import read_file
from facezoo.data.sources.encoded import EncodedSource
from facezoo.errors import DataError


class ListFile(EncodedSource):
    """Images named by a list; each line a path, a tab or spaces, and the identity's name or number.

    The label is what follows the last tab, or the last space where there is no tab, so paths may hold
    spaces. Empty lines and lines that start with ``#`` are left out. Identities are sorted by number
    if all are integers, else by name; the images keep the order of the list.

    Args:
        path: the list.
        root: folder of relative paths; by default the folder of the list.

    Raises:
        DataError: the list is missing, not text, empty, or a line has no label.
    """

    def __init__(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path)
        self.root = Path(root) if root is not None else self.path.parent
        rows = _rows(self.path)
        if not rows:
            raise DataError(f"{self.path}: the list is empty; expected lines of PATH and LABEL")
        self._paths = [image for image, _ in rows]
        names = {label for _, label in rows}
        self.class_names = sorted(names, key=lambda n: (int(n), n)) if all(map(_whole, names)) else sorted(names)
        number = {name: at for at, name in enumerate(self.class_names)}
        self.labels = np.array([number[label] for _, label in rows], np.int64)

    def key(self, index: int) -> str:
        """The path of image ``index``."""
        return str(self.root / self._paths[index])

    def encoded(self, index: int) -> bytes:
        """The file's bytes."""
        return read_file(self.root / self._paths[index])


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 (byte {error.start}); expected PATH and LABEL") from error
    except OSError as error:
        raise DataError(f"{path}: the list cannot be read ({error.strerror})") from error
    return [_row(path, at, line) for at, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def _row(path: Path, number: int, line: str) -> tuple[str, str]:
    parts = line.rsplit("\t", 1) if "\t" in line.strip() else line.rsplit(None, 1)
    image, label = (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else ("", "")
    if not image or not label:
        raise DataError(f"{path}, line {number}: {line.strip()[:80]!r} has no label; expected PATH<TAB>LABEL")
    return image, label


def _whole(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19
