"""InsightFace's verification sets (``lfw.bin``, ``cfp_fp.bin``): encoded images in pairs, each genuine or not."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facezoo.data.image import read_image
from facezoo.download.urls import local_path
from facezoo.errors import DataError
from facezoo.io.describe import describe
from facezoo.io.files import atomic_write
from facezoo.io.unpickle import unpickle

MAX_FILE = 1 << 33  # bytes; a larger .bin is refused, since it is held in memory


class VerificationBin:
    """Pairs of encoded images: images ``2 i`` and ``2 i + 1`` are pair ``i``.

    Args:
        path: the file, named in messages.
        images: encoded images, JPEG or PNG, 2 for each pair.
        same: bool (P,), whether a pair shows one person.
    """

    def __init__(self, path: Path, images: list[bytes], same: np.ndarray) -> None:
        self.path, self.images, self.same = path, images, same

    def __len__(self) -> int:
        """P, the number of pairs."""
        return len(self.same)

    def image(self, index: int) -> np.ndarray:
        """Decode image ``index`` of the 2 P to uint8 RGB (H, W, 3).

        Raises:
            ImageError: it cannot be decoded.
        """
        return read_image(self.images[index], name=self.key(index))

    def key(self, index: int) -> str:
        """File, pair and side of an image, for messages."""
        return f"{self.path} pair {index // 2} image {index % 2 + 1}"


def read_verification_bin(path: str | os.PathLike[str]) -> VerificationBin:
    """Read a ``.bin``, written by Python 2 or 3, its images as bytes or as uint8 arrays.

    The file is a pickle of (images, same). It is read by :mod:`facezoo.io.unpickle`; no code in it is executed.

    Raises:
        DataError: it is missing, broken, or not images in pairs.
        UnsafeFileError: it asks for anything but plain values and arrays.
    """
    path = local_path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such verification .bin")
    if path.stat().st_size > MAX_FILE:
        raise DataError(f"{path}: {path.stat().st_size} bytes is above the limit of {MAX_FILE} for a .bin")
    try:
        with path.open("rb") as file:
            content = unpickle(file, str(path), encoding="bytes")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if not isinstance(content, list) or len(content) != 2:
        raise DataError(f"{path}: holds {describe(content)}; expected a pair (images, same)")
    images = _image_list(_items(content[0], path, "images"), path)
    same = [_flag(item, path, at) for at, item in enumerate(_items(content[1], path, "same"))]
    if len(images) != 2 * len(same) or not same:
        raise DataError(f"{path}: {len(images)} images and {len(same)} pairs; expected two images per pair")
    return VerificationBin(path, images, np.array(same, bool))


def write_verification_bin(path: str | Path, images: Sequence[bytes], same: Sequence[bool]) -> None:
    """Write a ``.bin`` that InsightFace's own tools read under Python 3; the images as bytes.

    Raises:
        DataError: there are not two images per pair.
    """
    if len(images) != 2 * len(same) or not len(same):
        raise DataError(f"{len(images)} images and {len(same)} pairs; expected two images per pair")
    content = ([bytes(image) for image in images], [bool(flag) for flag in same])
    with atomic_write(path) as part, open(part, "wb") as stream:
        pickle.dump(content, stream, protocol=4)


def _items(value: object, path: Path, what: str) -> Sequence[object]:
    if isinstance(value, np.ndarray) and value.ndim >= 1:
        return list(value) if value.ndim > 1 and value.dtype == np.uint8 else value.reshape(-1).tolist()
    if isinstance(value, list):
        return value
    raise DataError(f"{path}: its {what} are {describe(value)}; expected a list")


def _image_list(items: Sequence[object], path: Path) -> list[bytes]:
    known: dict[int, bytes] = {}  # an array that is in the list many times is copied once
    for at, item in enumerate(items):
        if id(item) not in known:
            known[id(item)] = _image_bytes(item, path, at)
    return [known[id(item)] for item in items]


def _image_bytes(item: object, path: Path, at: int) -> bytes:
    if isinstance(item, np.ndarray) and item.dtype == np.uint8:
        return item.tobytes()
    if isinstance(item, bytes | bytearray):
        return bytes(item)
    raise DataError(f"{path}: image {at} is {describe(item)}; expected bytes or a uint8 array")


def _flag(item: object, path: Path, at: int) -> bool:
    if isinstance(item, bool | int | np.integer) and int(item) in (0, 1):
        return bool(item)
    raise DataError(f"{path}: pair {at} is {describe(item)}; expected True or False")
