"""Reading NumPy files from outside: no pickled objects, sizes checked against the file, no archive bombs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from facezoo.errors import DataError, FacezooError, UnsafeFileError

MAX_RATIO = 1000  # sorted labels compress well; real data does not exceed it


def read_npz(path: str | Path, *, kinds: str = "fiubU", max_ratio: int = MAX_RATIO) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` by name.

    Args:
        path: the file.
        kinds: allowed kinds of dtype, as in ``numpy.dtype.kind``; never objects.
        max_ratio: largest ratio of unpacked bytes to the size of the file.

    Raises:
        UnsafeFileError: an array holds Python objects or states a wrong size, or the archive is a bomb.
        DataError: the file is missing, damaged or of another format.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len({info.filename for info in infos}) != len(infos):
                raise UnsafeFileError(f"{str(path)!r} names a member twice")
            if sum(info.file_size for info in infos) > max_ratio * path.stat().st_size:
                raise UnsafeFileError(f"{str(path)!r} unpacks to more than {max_ratio} times its size")
            return {info.filename.removesuffix(".npy"): _member(archive, info, str(path), kinds) for info in infos}
    except FacezooError:
        raise
    except Exception as error:  # a damaged file can fail anywhere
        raise _damaged(path, error) from error


def read_npy(path: str | Path, *, kinds: str = "fiubU") -> np.ndarray:
    """The array of an ``.npy``; arguments and errors as of :func:`read_npz`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            _check_header(file, path.stat().st_size, str(path), "it", kinds)
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except FacezooError:
        raise
    except Exception as error:
        raise _damaged(path, error) from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, kinds: str) -> np.ndarray:
    with archive.open(info) as member:
        _check_header(member, info.file_size, where, info.filename, kinds)
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _check_header(file: IO[bytes], size: int, where: str, name: str, kinds: str) -> None:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise UnsafeFileError(f"{where!r}: {name} holds pickled objects, which are never loaded; store plain arrays")
    if dtype.kind not in kinds:
        raise UnsafeFileError(f"{where!r}: {name} holds {dtype}; expected plain arrays of numbers")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > size:
        raise UnsafeFileError(f"{where!r}: {name} states the shape {shape}; it has {size} bytes")


def _damaged(path: Path, error: Exception) -> DataError:
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"cannot read {str(path)!r}: {error.strerror}")
    reason = (str(error).splitlines() or [""])[0] or type(error).__name__
    return DataError(f"{str(path)!r} is not a NumPy file of plain arrays: {reason}")
