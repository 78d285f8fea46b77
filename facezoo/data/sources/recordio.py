"""InsightFace's training packs: ``train.rec`` with ``train.idx`` and ``property``, without MXNet."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.record_file import RecordFile
from facezoo.data.sources.record_framing import RecordHeader
from facezoo.errors import DataError, ImageError

_EXACT = 1 << 24  # the format stores record numbers as float32, exact up to here


class RecordIO(EncodedSource):
    """A ``.rec`` file with random access.

    Record 0 may be a header with the label (a, b): the records 1..a-1 are images, and each of the records a..b-1
    describes an identity, its label (first, last + 1) being the range of its images. Without it every record is an
    image. The label of an image is one number, or the first of an array. Labels are renumbered without gaps;
    ``class_names`` holds the numbers of the file, or the names of ``train.names.json`` if it exists.

    Args:
        path: the ``.rec`` file, or the folder that holds ``train.rec``.

    Attributes:
        numbers: int64 (n,), the number of each image's record.

    Raises:
        DataError: a file is missing, cut off or contradicts itself.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path)
        self.path = path / "train.rec" if path.is_dir() else path
        self._file = RecordFile(self.path)
        self.numbers, raw = self._images_and_labels()
        if not len(self.numbers):
            raise DataError(f"{self.path}: holds no image")
        classes, labels = np.unique(raw, return_inverse=True)
        self.labels = labels.reshape(-1).astype(np.int64)
        self.class_names = _names(self.path.with_suffix(".names.json"), classes)

    def key(self, index: int) -> str:
        """File and record number."""
        return f"{self.path} record {self.numbers[index]}"

    def header(self, index: int) -> RecordHeader:
        """The header of image ``index``, as stored."""
        return self._file.header(int(self.numbers[index]))

    def encoded(self, index: int) -> bytes:
        """The stored JPEG or PNG."""
        try:
            return self._file.record(int(self.numbers[index]))[1]
        except DataError as error:
            raise ImageError(str(error)) from error

    def _images_and_labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Record numbers of the images and their labels, as stored; both int64 (n,)."""
        numbers = self._file.numbers
        bounds = self._header_record()
        if bounds is None:
            return numbers, self._labels_of(numbers)
        first, last = bounds
        images = numbers[(numbers >= 1) & (numbers < first)]
        if len(images) != first - 1:
            raise DataError(
                f"{self.path}: its header record states images 1 to {first - 1}; the file has {len(images)}"
            )
        identities = numbers[(numbers >= first) & (numbers < last)]
        labels = self._labels_by_range(images, identities)
        return images, self._labels_of(images) if labels is None else labels

    def _header_record(self) -> tuple[int, int] | None:
        """The numbers (a, b) of record 0, or None if it is an image or missing."""
        if 0 not in self._file:
            return None
        header, rest = self._file.record(0)
        if header.flag < 2 or rest:
            return None  # header records hold no bytes
        first, last = header.labels[:2]
        if not 1 <= first <= last < 2**40:  # NaN fails as well
            raise DataError(f"{self.path}: its header record holds {first}, {last}; expected two record numbers")
        return self._first_identity(int(first)), int(last)

    def _first_identity(self, about: int) -> int:
        """The first record after the images. Beyond 2**24 the float32 in the header is rounded: look at the records."""
        if about < _EXACT:
            return about
        near = [number for number in range(about - 4, about + 5) if number in self._file]
        headers = [n for n in near if self._file.header(n).flag >= 2 and not self._file.record(n)[1]]
        return min(headers, default=about)

    def _labels_by_range(self, images: np.ndarray, identities: np.ndarray) -> np.ndarray | None:
        """Labels from the identity records, with one image header read per identity; None if they do not match."""
        labels = np.full(len(images), -1, np.int64)
        for identity in identities.tolist():
            header = self._file.header(identity)
            if header.flag < 2 or not 1 <= header.labels[0] < header.labels[1] < _EXACT:
                return None
            first, last = np.searchsorted(images, header.labels[:2])
            if first == last or (labels[first:last] >= 0).any():
                return None
            labels[first:last] = self._labels_of(images[first : first + 1])[0]
        return labels if (labels >= 0).all() else None

    def _labels_of(self, numbers: np.ndarray) -> np.ndarray:
        raw = np.array([self._file.header(number).labels[0] for number in numbers.tolist()], np.float64)
        bad = ~((raw >= 0) & (raw < 2**31) & (raw == np.floor(raw)))
        if bad.any():
            where = f"{self.path} record {numbers[bad][0]}"
            raise DataError(f"{where}: label {raw[bad][0]:g}; expected an integer, 0 or more")
        return raw.astype(np.int64)


def _names(path: Path, classes: np.ndarray) -> list[str]:
    if not path.exists():
        return [str(number) for number in classes]
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("not a list of names")
        if len(set(names)) != len(names):
            raise ValueError("a name occurs twice")
        return [names[number] for number in classes.tolist()]
    except (ValueError, IndexError, OSError, RecursionError) as error:
        raise DataError(f"{path}: expected a JSON list of {int(classes[-1]) + 1} names ({error})") from error


def read_property(folder: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """Identities, height and width from a pack's ``property`` file, or None if there is none.

    Raises:
        DataError: it is not three integers.
    """
    path = Path(folder) / "property"
    if not path.exists():
        return None
    try:
        classes, height, width = (int(text) for text in path.read_text(encoding="utf-8").split(","))
        return classes, height, width
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: expected IDENTITIES,HEIGHT,WIDTH ({error})") from error
