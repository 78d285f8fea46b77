"""InsightFace's training packs: ``train.rec`` with ``train.idx`` and ``property``, without MXNet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from facezoo.data.sources import index_cache
from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.record_file import RecordFile
from facezoo.data.sources.record_framing import RecordHeader
from facezoo.errors import DataError, ImageError

_EXACT = 1 << 24  # the format stores record numbers as float32, exact up to here


class RecordIO(EncodedSource):
    """A ``.rec`` file with random access.

    Record 0 may be a header with the label (a, b): the records 1..a-1 are images, and each of the records a..b-1
    describes an identity, its label (first, last + 1) being the range of its images. Without it every record is an
    image. The label of an image is its own, one number or the first of an array, as InsightFace reads it; only an image
    whose record is broken gets the label of the others in its identity's range. Labels are renumbered without gaps;
    ``class_names`` holds the numbers of the file, or the names of ``train.names.json`` if it exists. The index of a
    large file is kept in the cache folder, and used as long as neither file has changed.

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
        stamp = _stamp(self.path)
        index = index_cache.load(self.path)
        if np.array_equal(index.get("stamp", stamp[:0]), stamp):
            self._file = RecordFile(self.path, (index["records"], index["offsets"]))
            self._identities: list[int] = index["identities"].tolist()
            self.numbers, self.labels, classes = index["numbers"], index["labels"], index["classes"]
        else:
            self._file = RecordFile(self.path)
            self._identities = []
            self.numbers, raw = self._images_and_labels()
            if not len(self.numbers):
                raise DataError(f"{self.path}: holds no image")
            classes, labels = np.unique(raw, return_inverse=True)
            self.labels = labels.reshape(-1).astype(np.int64)
            if len(self.labels) >= index_cache.LARGE:
                self._keep(stamp, classes)
        self.class_names = _names(self.path.with_suffix(".names.json"), classes)

    def _keep(self, stamp: np.ndarray, classes: np.ndarray) -> None:
        arrays = {
            "stamp": stamp, "records": self._file.numbers, "offsets": self._file.offsets, "numbers": self.numbers,
            "labels": self.labels, "classes": classes, "identities": np.array(self._identities, np.int64),
        }  # fmt: skip
        index_cache.store(self.path, arrays, int(stamp.max()))

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

    def against_ranges(self) -> np.ndarray:
        """The images whose label is not the most frequent one of their identity's range; int64 indices."""
        wrong = [
            np.arange(place.start, place.stop)[self.labels[place] != np.bincount(self.labels[place]).argmax()]
            for place in self._ranges(self.numbers, self._identities)
            if place.start < place.stop
        ]
        return np.concatenate(wrong) if wrong else np.empty(0, np.int64)

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
        self._identities = numbers[(numbers >= first) & (numbers < last)].tolist()
        for identity in self._identities[-1:]:
            self._file.header(identity)  # the end of the file: raises where it is cut off
        return images, self._labels_of(images, self._identities)

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

    def _labels_of(self, numbers: np.ndarray, identities: Sequence[int] = ()) -> np.ndarray:
        """Labels of image records as stored, int64 (n,); a broken record takes that of its identity's range."""
        raw = self._file.first_labels(numbers)
        whole = (raw >= 0) & (raw < 2**31) & (raw == np.floor(raw))
        labels = np.where(whole, raw, -1).astype(np.int64)
        if not whole.all():
            self._fill_by_range(numbers, labels, identities)
        left = np.flatnonzero(labels < 0)
        if len(left):
            number = int(numbers[left[0]])
            value = self._file.header(number).labels[0]  # raises for a broken record
            raise DataError(f"{self.path} record {number}: label {value:g}; expected an integer, 0 or more")
        return labels

    def _fill_by_range(self, images: np.ndarray, labels: np.ndarray, identities: Sequence[int]) -> None:
        """Replace -1 by the most frequent label of the same identity's range, in place."""
        for place in self._ranges(images, identities):
            part = labels[place]
            values, counts = np.unique(part[part >= 0], return_counts=True)
            if len(values):
                part[part < 0] = values[counts.argmax()]

    def _ranges(self, images: np.ndarray, identities: Sequence[int]) -> Iterator[slice]:
        """The places of each identity's images, as the identity records state them."""
        for identity in identities:
            try:
                header = self._file.header(identity)
            except DataError:
                continue
            if header.flag >= 2 and 1 <= header.labels[0] < header.labels[1] < _EXACT:
                yield slice(*np.searchsorted(images, header.labels[:2]).tolist())


def _stamp(path: Path) -> np.ndarray:
    """Sizes of the ``.rec`` and the ``.idx``, and when they were last changed, int64; of the files that exist."""
    found = [os.stat(file) for file in (path, path.with_suffix(".idx")) if file.is_file()]
    return np.array([number for file in found for number in (file.st_size, file.st_mtime_ns)] or [-1], np.int64)


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
