"""torch's format before version 1.6: several pickles, then the storages."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from facezoo.checkpoints.readers.placeholders import CheckpointUnpickler
from facezoo.checkpoints.readers.torch_tensors import NAMES, Storage, storage_loader
from facezoo.errors import CheckpointError, UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.pickled_values import Budget
from facezoo.io.unpickle import MAX_EXPANSION, Unpickler, resolved

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled number 0x1950a86a20f9469cfc6c
PROTOCOL = 1001


def read_torch_legacy(path: Path) -> Any:
    """Read what ``torch.save`` wrote up to version 1.5, or later in the old format.

    Raises:
        UnsafeFileError: a pickle asks for more than tensors.
        CheckpointError: the file is cut short or damaged.
    """
    where, size = str(path), path.stat().st_size
    budget = Budget(MAX_EXPANSION * size)
    storages: dict[str, Storage] = {}
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        version = Unpickler(file, where).load()
        system = Unpickler(file, where).load()
        if version != PROTOCOL:
            raise CheckpointError(f"{where!r} has protocol {describe(version)}; expected {PROTOCOL}")
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise CheckpointError(f"{where!r} was written on a big-endian machine; expected little-endian")
        tree = CheckpointUnpickler(file, where, NAMES, storage_loader(storages), budget=budget).load()
        keys = Unpickler(file, where).load()
        named = isinstance(keys, list) and all(isinstance(key, str | int) for key in keys)
        if not named or sorted(map(str, keys)) != sorted(storages):
            raise UnsafeFileError(f"{where!r} lists other storages than its tensors use")
        for key in keys:
            storage = storages[str(key)]
            count = struct.unpack("<q", file.read(8))[0]
            if count != storage.count or count * storage.itemsize > size - file.tell():
                raise CheckpointError(
                    f"{where!r} has {count} elements in storage {describe(key)}; expected {storage.count}"
                )
            storage.fill(file.read(count * storage.itemsize))
    return resolved(tree, where, budget)
