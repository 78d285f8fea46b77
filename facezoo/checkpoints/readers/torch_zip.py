"""torch's zip format: one pickle and one file per storage, not compressed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from facezoo.checkpoints.readers.placeholders import CheckpointUnpickler
from facezoo.checkpoints.readers.torch_tensors import NAMES, Storage, storage_loader
from facezoo.errors import CheckpointError, UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.pickled_values import Budget
from facezoo.io.unpickle import MAX_EXPANSION, resolved

MAX_PICKLE = 64 << 20  # bytes of data.pkl, which describes the tensors and does not hold their elements


def read_torch_zip(path: Path) -> Any:
    """Read what ``torch.save`` wrote since version 1.6.

    Raises:
        UnsafeFileError: the pickle asks for more than tensors, or the archive unpacks to more than its size.
        CheckpointError: a storage is missing or has another size than announced.
    """
    where, budget = str(path), Budget(MAX_EXPANSION * path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        if len(infos) != len(archive.infolist()):
            raise UnsafeFileError(f"{where!r} names a member twice")
        if sum(info.file_size for info in infos.values()) > path.stat().st_size:
            raise UnsafeFileError(f"{where!r} unpacks to more than its own size; torch does not compress")
        pickled = next(name for name in infos if name.endswith("data.pkl") and name.count("/") == 1)
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in infos and archive.read(f"{root}byteorder") != b"little":
            raise CheckpointError(f"{where!r} was written on a big-endian machine; expected little-endian")
        if infos[pickled].file_size > MAX_PICKLE:
            raise UnsafeFileError(f"{where!r} has a pickle of {infos[pickled].file_size} bytes; tensors need far less")
        storages: dict[str, Storage] = {}
        pickle = io.BytesIO(archive.read(pickled))
        tree = CheckpointUnpickler(pickle, where, NAMES, storage_loader(storages), budget=budget).load()
        for key, storage in storages.items():
            name = f"{root}data/{key}"
            if name not in infos:
                raise CheckpointError(f"{where!r} has no member {describe(name)}")
            storage.fill(archive.read(name))
    return resolved(tree, where, budget)
