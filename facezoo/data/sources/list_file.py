"""A text file that lists images and their identities, one per line: ``PATH LABEL``, and three other orders."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from facezoo.data.image import IMAGE_SUFFIXES, read_file
from facezoo.data.sources.encoded import EncodedSource
from facezoo.download.urls import beside, full_url, is_url, local_path
from facezoo.errors import DataError


class ListFile(EncodedSource):
    """Images named by a list; each line a path, a tab or spaces, and the identity's name or number.

    The label is what follows the last tab, or the last space where there is no tab, so paths may hold
    spaces. The first line gives the order, by the place of the name that ends like an image file:

    - ``PATH LABEL``, also where no name ends so;
    - ``LABEL PATH``;
    - ``NUMBER<TAB>LABEL<TAB>PATH``, a ``.lst`` of MXNet's im2rec (a label such as 7.000000 is 7);
    - ``1<TAB>PATH<TAB>LABEL``, a ``.lst`` of InsightFace for aligned images.

    Empty lines and lines that start with ``#`` are left out. Identities are sorted by number
    if all are integers, else by name; the images keep the order of the list.

    Args:
        path: the list, or its URL; its images are then fetched when they are read. A line may hold a URL too.
        root: folder of relative paths; by default the folder of the list.

    Raises:
        DataError: the list is missing, not text, empty, a line has no label or another order than the first, or a
            ``.lst`` holds several labels or boxes of faces.
    """

    def __init__(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> None:
        self.path = local_path(path)
        self.root = Path(root) if root is not None else self.path.parent
        self._beside = full_url(path) if root is None and is_url(path) else None
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
        name = self._paths[index]
        if is_url(name):
            return name
        return str(self.root / name if self._beside is None else beside(self._beside, name))

    def encoded(self, index: int) -> bytes:
        """The file's bytes."""
        return read_file(self.key(index))


def _rows(path: Path) -> list[tuple[str, str]]:
    """Path and label of each line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 (byte {error.start}); expected PATH and LABEL") from error
    except OSError as error:
        raise DataError(f"{path}: the list cannot be read ({error.strerror})") from error
    filled = [(at, line) for at, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    order = _order(path, *filled[0]) if filled else "PATH LABEL"
    return [_row(path, at, line, order) for at, line in filled]


def _order(path: Path, number: int, line: str) -> str:
    """The names of the columns, from the first line."""
    columns = [column.strip() for column in line.split("\t")]
    images = [_is_image(column) for column in columns]
    if len(columns) > 2 and columns[0].isdigit():
        if images[-1] and not any(images[:-1]):
            wanted = "NUMBER LABEL PATH"
        elif images[1] and not any(images[2:]):
            wanted = "FLAG PATH LABEL"
        else:
            return "PATH LABEL"
        if len(columns) > 3:
            raise DataError(
                f"{path}, line {number}: {len(columns)} columns, {line.strip()[:80]!r}; expected three, "
                f"{wanted.replace(' ', '<TAB>')}: a list with several labels or with boxes of faces is not read"
            )
        return wanted
    last, first = _cut(line, "PATH LABEL")[1], _cut(line, "LABEL PATH")[1]
    return "LABEL PATH" if _is_image(last) and not _is_image(first) else "PATH LABEL"


def _cut(line: str, order: str) -> tuple[str, str]:
    """Path and label of a line of two columns; "" for what is missing."""
    cut = str.rsplit if order == "PATH LABEL" else str.split
    parts = cut(line.strip(), "\t" if "\t" in line.strip() else None, 1)
    if len(parts) < 2:
        return "", ""
    path, label = parts if order == "PATH LABEL" else parts[::-1]
    return path.strip(), label.strip()


def _row(path: Path, number: int, line: str, order: str) -> tuple[str, str]:
    if order in ("PATH LABEL", "LABEL PATH"):
        image, label = _cut(line, order)
    else:
        columns = [column.strip() for column in line.split("\t")]
        image, label = (
            (columns[1:] if order == "FLAG PATH LABEL" else columns[:0:-1]) if len(columns) == 3 else ("", "")
        )
        label = str(int(float(label))) if re.fullmatch(r"\d{1,15}\.0+", label) else label
    if not image or not label:
        expected = order.replace(" ", "<TAB>")
        raise DataError(f"{path}, line {number}: {line.strip()[:80]!r} has no label; expected {expected}")
    if _is_image(label) and not _is_image(image):
        raise DataError(
            f"{path}, line {number}: {line.strip()[:80]!r} has the image where the first line has the label; "
            f"expected {order} in each line"
        )
    return image, label


def _is_image(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES


def _whole(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19
