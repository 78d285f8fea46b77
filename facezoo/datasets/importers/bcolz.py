"""Validation sets as bcolz arrays, as face.evoLVe and InsightFace_Pytorch publish them, into ``NAME.bin``.

``NAME/meta/sizes`` and ``NAME/meta/storage`` are JSON; ``NAME/data/__0.blp`` and so on hold some rows each, compressed
by Blosc; ``NAME_list.npy`` says which pairs are genuine (bcolz's DISK_FORMAT_v1.rst). The array is (2 P, 3, H, W), of
values from -1 to 1, in BGR, as ``load_bin`` of InsightFace_Pytorch writes it; face.evoLVe's files are the same (its
issue 36). A set that is bluer than it is red, unlike faces, is pointed out. No code of the files is run.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facezoo.data.sources.verification_bin import write_verification_bin
from facezoo.datasets.importers.insightface import inspect_pack
from facezoo.datasets.importers.result import Imported
from facezoo.datasets.schema import DataSet
from facezoo.download import extract, staged_folder
from facezoo.errors import BackendUnavailableError, DataError
from facezoo.io.numpy_files import read_npy
from facezoo.io.progress import OnProgress

RAW = ".raw"
MEMBER = re.compile(r"(?:^|/)([^/]+/(?:meta/(?:sizes|storage)|data/__\d+\.blp)|[^/]+_list\.npy)$")
SIDE, ROWS, CHUNK = 1024, 1_000_000, 1 << 28  # largest side, number of images, and bytes of a chunk
COPIED = 2  # flag of a chunk that is stored without compression
DECODERS = ("blosc2", "blosc", "numcodecs.blosc")  # each has a function decompress


def find_arrays(folder: Path) -> list[Path]:
    """The array folders in a folder, or the folder itself."""
    return sorted({path.parent.parent for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}meta/sizes")})


def import_bcolz(path: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """Convert the arrays of an archive or a folder into verification sets.

    Raises:
        DataError: an array or its list is missing or broken.
        BackendUnavailableError: the chunks are compressed and there is no library that decompresses Blosc.
    """
    results = []

    def convert(source: Path, folder: Path) -> None:
        arrays = find_arrays(source)
        if not arrays:
            raise DataError(
                f"{path}: no bcolz array; expected NAME/meta/sizes, NAME/meta/storage and NAME/data/__0.blp"
            )
        notes = [_convert(array, folder / f"{array.name}.bin", on_progress) for array in arrays]
        shutil.rmtree(folder / RAW, ignore_errors=True)
        results.append(inspect_pack(folder, entry.name if entry else ""))
        results[0].details["colour"] = "; ".join(notes)
        results[0].write(folder)

    if path.is_dir():
        with staged_folder(out) as folder:
            convert(path, folder)
    else:
        extract(path, out, rename=_place, check=lambda folder: convert(folder / RAW, folder))
    return results[0]


def _place(member: str) -> str | None:
    found = MEMBER.search(member)
    return f"{RAW}/{found[1]}" if found else None


def _convert(array: Path, target: Path, on_progress: OnProgress) -> str:
    """Write one set; returns how its colours were taken."""
    same = read_npy(array.with_name(f"{array.name}_list.npy"), kinds="biu").reshape(-1)
    images = []
    colour = np.zeros(3)
    for rows in read_rows(array):
        pixels = _pixels(rows, array)
        colour += pixels.sum(axis=(0, 1, 2), dtype=np.float64)
        for image in pixels:
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, "PNG", compress_level=1)
            images.append(stream.getvalue())
        on_progress(len(images))
    if not np.isin(same, (0, 1)).all() or len(images) != 2 * len(same):
        raise DataError(
            f"{array.name}: {len(images)} images and {len(same)} labels; expected two images per label 0 or 1"
        )
    write_verification_bin(target, images, same.astype(bool).tolist())
    doubt = " (doubtful: the images are bluer than red, so the array may be RGB)" if colour[0] < colour[2] else ""
    return f"{array.name} taken as BGR{doubt}"


def _pixels(rows: np.ndarray, array: Path) -> np.ndarray:
    """uint8 RGB (n, H, W, 3) of (n, 3, H, W) in BGR."""
    if rows.dtype != np.uint8:
        if not np.isfinite(rows).all() or rows.min() < -1.01 or rows.max() > 1.01:
            raise DataError(f"{array.name}: values from {rows.min():g} to {rows.max():g}; expected -1 to 1")
        rows = np.rint((rows.astype(np.float64) * 0.5 + 0.5) * 255.0).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(rows[:, ::-1].transpose(0, 2, 3, 1))


def read_rows(array: Path) -> Iterator[np.ndarray]:
    """The rows of an array, a chunk at a time.

    Raises:
        DataError: a file is missing or contradicts the others.
    """
    shape, dtype, length = _meta(array)
    row = int(np.prod(shape[1:])) * dtype.itemsize
    for number, start in enumerate(range(0, shape[0], length)):
        wanted = min(length, shape[0] - start)
        data = _chunk(array / "data" / f"__{number}.blp", length * row)
        if len(data) not in (wanted * row, length * row):
            raise DataError(f"{array.name}/data/__{number}.blp: {len(data)} bytes; expected {wanted * row}")
        yield np.frombuffer(data, dtype, wanted * row // dtype.itemsize).reshape(wanted, *shape[1:])


def _meta(array: Path) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    try:
        sizes = json.loads((array / "meta" / "sizes").read_text(encoding="utf-8"))
        storage = json.loads((array / "meta" / "storage").read_text(encoding="utf-8"))
        shape, name, length = tuple(map(int, sizes["shape"])), str(storage["dtype"]), int(storage["chunklen"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{array.name}: meta/sizes and meta/storage cannot be read ({error})") from error
    if name not in ("uint8", "float16", "float32", "float64"):
        raise DataError(f"{array.name}: dtype {name[:40]!r}; expected uint8 or float32")
    dtype = np.dtype(name)
    valid = len(shape) == 4 and shape[1] == 3 and 0 < shape[0] <= ROWS and all(0 < side <= SIDE for side in shape[2:])
    if not valid or not 0 < length * int(np.prod(shape[1:])) * dtype.itemsize <= CHUNK:
        raise DataError(f"{array.name}: shape {shape[:8]} in chunks of {length}; expected (images, 3, height, width)")
    return shape, dtype, length


def _chunk(path: Path, most: int) -> bytes:
    """The bytes of a chunk: 16 bytes of bloscpack's header, then one Blosc chunk with a header of 16 bytes."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    where = f"{path.parent.parent.name}/data/{path.name}"
    if len(raw) < 32 or raw[:4] != b"blpk" or struct.unpack_from("<q", raw, 8)[0] != 1:
        raise DataError(f"{where}: is not a bcolz chunk; expected 'blpk' and one Blosc chunk")
    chunk = raw[16:]
    size, _, packed = struct.unpack_from("<III", chunk, 4)
    if packed != len(chunk) or size > most:
        raise DataError(
            f"{where}: states {packed} bytes that unpack to {size}; expected {len(chunk)} and at most {most}"
        )
    data = chunk[16:] if chunk[2] & COPIED else _decompress(chunk, where)
    if len(data) != size:
        raise DataError(f"{where}: unpacks to {len(data)} bytes; its header states {size}")
    return data


def _decompress(chunk: bytes, where: str) -> bytes:
    decode = _decoder()
    if decode is None:
        raise BackendUnavailableError(
            f"{where} is compressed by Blosc; reading it needs one of {', '.join(DECODERS)}: pip install blosc2"
        )
    try:
        return bytes(decode(chunk))
    except Exception as error:  # each library has its own errors
        raise DataError(f"{where}: cannot be decompressed ({error})") from error


def _decoder() -> Callable[[bytes], Any] | None:
    """The function of the first library that is installed."""
    try:
        from blosc2 import decompress
    except ImportError:
        try:
            from blosc import decompress
        except ImportError:
            try:
                from numcodecs.blosc import decompress
            except ImportError:
                return None
    return decompress
