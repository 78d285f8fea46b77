"""Face crops from a folder of photos and a table of landmarks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facezoo.align.crop import align_face
from facezoo.align.table import landmarks_of, read_table
from facezoo.align.templates import Template
from facezoo.data.image import IMAGE_SUFFIXES, read_image
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import DataError, ProtocolError


def read_landmarks(path: str | Path) -> dict[str, np.ndarray]:
    """Landmarks by image name: CSV rows ``file, faces, ok, probability, x1, y1 .. x5, y5``, or align's table.

    Points are left eye, right eye, nose, left and right mouth corner as seen in the image, in pixels. A row
    with ``ok`` 0 is left out. Of the table that ``facezoo align`` writes (CSV or Parquet), the first face of each photo
    is used.

    Returns:
        name -> float64 (5, 2).

    Raises:
        DataError: the file cannot be read.
        ProtocolError: a row has other fields, or a name is listed twice.
    """
    if _is_table(Path(path)):
        rows = [row for row in read_table(Path(path)) if row.get("face") == 0 and "score" in row]
        return {row["source"]: landmarks_of(row) for row in rows}
    out: dict[str, np.ndarray] = {}
    seen: set[str] = set()
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            for number, row in enumerate(csv.reader(handle), 1):
                if not row or (number == 1 and row[0] in ("file", "image", "path")):
                    continue
                if row[0] in seen:
                    raise ProtocolError(f"{path}: line {number} repeats {row[0]!r}")
                seen.add(row[0])
                if len(row) >= 3 and row[2].strip() == "0":
                    continue
                out[row[0]] = _points(path, number, row)
    except OSError as error:
        raise DataError(f"cannot read landmarks {str(path)!r}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"landmarks {str(path)!r} are not CSV text: {error}") from error
    return out


def _is_table(path: Path) -> bool:
    if path.suffix == ".parquet" or not path.is_file():
        return path.suffix == ".parquet"
    with path.open("rb") as stream:
        return stream.read(7) == b"source,"


def _points(path: str | Path, number: int, row: list[str]) -> np.ndarray:
    try:
        points = np.array([float(value) for value in row[4:]]).reshape(5, 2)
    except ValueError:
        raise ProtocolError(
            f"{path}: line {number} has {len(row)} fields; expected file, faces, ok, probability, 10 numbers"
        ) from None
    if not np.isfinite(points).all():
        raise ProtocolError(f"{path}: line {number} has a landmark that is not finite")
    return points


@dataclass
class FaceFolder:
    """Face crops read from a folder by name.

    Attributes:
        root: the folder; see :func:`find_root` for data sets with one folder more.
        names: paths of the images below ``root``, in order.
        landmarks: name -> (5, 2), or None if the files are aligned crops.
        template: the alignment template or its name.
        size: (H, W) of the crops that are not aligned by landmarks.
        fallback_share: share of the sides that is kept in the central crop of a photo without landmarks.
        without_landmarks: names of the photos that got a central crop, added while the crops are read.
    """

    root: Path
    names: Sequence[str]
    landmarks: dict[str, np.ndarray] | None = None
    template: str | Template = "arcface112"
    size: tuple[int, int] = (112, 112)
    fallback_share: float = 0.57
    without_landmarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = Path(self.root)

    def __len__(self) -> int:
        return len(self.names)

    def crop(self, name: str) -> np.ndarray:
        """The crop of one image, uint8 RGB (H, W, 3).

        Raises:
            ImageError: the file cannot be decoded.
        """
        image = read_image(self.root / name)
        if self.landmarks is None:
            return central_crop(image, self.size)
        points = self.landmarks.get(name)
        if points is not None:
            return align_face(image, points, self.template)
        if name not in self.without_landmarks:
            self.without_landmarks.append(name)
        return central_crop(image, self.size, self.fallback_share)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.crop(name) for name in self.names)


def require_images(root: str | Path, names: Sequence[str]) -> None:
    """Check that every image of a list exists.

    Raises:
        DataError: the folder or an image is missing; the message gives the number of missing images and the first.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}; expected the images of the list in it")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{len(missing)} of {len(names)} images are missing in {str(folder)!r}, first {missing[0]!r}")


def find_root(root: str | Path, names: Sequence[str]) -> Path:
    """``root``, or its only subfolder that contains the first image of the list."""
    folder = Path(root)
    if not folder.is_dir() or not names or (folder / names[0]).is_file():
        return folder
    inside = [child for child in sorted(folder.iterdir()) if child.is_dir() and (child / names[0]).is_file()]
    return inside[0] if len(inside) == 1 else folder


def by_extension(root: Path, names: Sequence[str]) -> Callable[[str], str]:
    """A function from listed names to file names: some data sets list ``.jpg`` but contain ``.png``, or the reverse."""
    if not names or (root / names[0]).is_file():
        return lambda name: name
    for suffix in sorted(IMAGE_SUFFIXES):
        if (root / names[0]).with_suffix(suffix).is_file():
            return lambda name, suffix=suffix: str(Path(name).with_suffix(suffix))  # type: ignore[misc]
    return lambda name: name
