"""NumPy's archives, without objects."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from facezoo.errors import UnsafeFileError

MAX_RATIO = 100  # random weights hardly compress; zeros do, to about a thousandth


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Name -> array.

    Raises:
        UnsafeFileError: an array holds Python objects, or the archive unpacks to a hundred times its size.
    """
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len({info.filename for info in infos}) != len(infos):
            raise UnsafeFileError(f"{str(path)!r} names a member twice")
        if sum(info.file_size for info in infos) > MAX_RATIO * path.stat().st_size:
            raise UnsafeFileError(f"{str(path)!r} unpacks to more than {MAX_RATIO} times its size")
        return {info.filename.removesuffix(".npy"): _array(archive, info, str(path)) for info in infos}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> np.ndarray:
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    if dtype.hasobject or dtype.kind not in "fiub":
        raise UnsafeFileError(f"{where!r}: {info.filename} holds {dtype}; expected numbers")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > info.file_size:
        raise UnsafeFileError(f"{where!r}: {info.filename} announces shape {shape}; it has {info.file_size} bytes")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
