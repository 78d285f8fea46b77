"""Storages and tensors of a torch pickle, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from facezoo.errors import CheckpointError, UnsafeFileError
from facezoo.io.bfloat16 import decode_bfloat16
from facezoo.io.describe import describe
from facezoo.io.pickled_values import Names
from facezoo.io.shapes import count_elements

TYPES = {  # torch's storage class -> NumPy's type of one element; bfloat16 is read as its bits
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1",
    "BoolStorage": "|b1", "UntypedStorage": "<u1",
}  # fmt: skip
DTYPES = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "float", "double",
    "half", "long", "int", "short",
)  # fmt: skip


class StorageType(str):
    """The name of a storage class; cannot be called."""


class Storage:
    """Elements of one type; their data is filled in later."""

    def __init__(self, dtype: str, count: int) -> None:
        self.dtype = dtype
        self.count = count
        self.data: np.ndarray | None = None

    def fill(self, raw: bytes) -> None:
        """Take the elements from the bytes of exactly ``count`` of them."""
        bits = "<u2" if self.dtype == "bfloat16" else self.dtype
        if len(raw) != self.count * np.dtype(bits).itemsize:
            raise CheckpointError(f"a storage has {len(raw)} bytes; expected {self.count} elements of {self.dtype}")
        values = np.frombuffer(raw, bits)
        if self.dtype == "bfloat16":
            values = decode_bfloat16(values)
        self.data = values

    @property
    def itemsize(self) -> int:
        """Bytes of one element in the file."""
        return 2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize


class Tensor:
    """A view of a storage, turned into an array when all storages are filled."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any) -> None:
        if not isinstance(storage, Storage) or type(offset) is not int or offset < 0:
            raise UnsafeFileError(f"a tensor has storage {describe(storage)} and offset {describe(offset)}")
        count = count_elements(size)
        count_elements(stride)
        if len(size) != len(stride):
            raise UnsafeFileError(f"a tensor has {len(size)} sides and {len(stride)} strides")
        last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
        if count and (last >= storage.count or count > storage.count):
            raise UnsafeFileError(f"a tensor of size {tuple(size)} reaches past its {storage.count} elements")
        self.storage, self.offset, self.size, self.stride, self.count = storage, offset, size, stride, count

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return self.count * (0 if self.storage.data is None else self.storage.data.itemsize)

    def array_of_tensor(self) -> np.ndarray:
        """A copy, contiguous."""
        data = self.storage.data
        if data is None:
            raise CheckpointError("a tensor's storage is missing in the file")
        if not self.count:
            return np.zeros(self.size, data.dtype)
        steps = tuple(step * data.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(data[self.offset :], tuple(self.size), steps).copy()


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *more: Any) -> Tensor:
    return Tensor(storage, offset, size, stride)


def _parameter(tensor: Any, *more: Any) -> Any:
    return tensor


def _size(sides: Any = ()) -> tuple[int, ...]:
    count_elements(sides)
    return tuple(sides)


NAMES: Names = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): _size,
    **{(module, name): StorageType(name) for module in ("torch", "torch.storage") for name in TYPES},
    **{("torch", name): name for name in DTYPES},
}


def storage_loader(storages: dict[str, Storage]) -> Callable[[Any], Storage]:
    """A resolver of persistent ids that adds each storage to ``storages`` by its key."""

    def load(pid: Any) -> Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], StorageType):
            raise UnsafeFileError(f"it refers to {describe(pid)}; expected a storage")
        if not isinstance(pid[2], str | int):
            raise UnsafeFileError(f"a storage is named by {describe(pid[2])}; expected a string")
        key, count = str(pid[2]), pid[4]
        if type(count) is not int or count < 0:
            raise UnsafeFileError(f"a storage has {describe(count)} elements; expected an integer from 0")
        if len(pid) > 5 and pid[5] is not None:
            raise UnsafeFileError("a storage is a view of another, which weights do not need")
        known = storages.setdefault(key, Storage(TYPES[pid[1]], count))
        if (known.dtype, known.count) != (TYPES[pid[1]], count):
            raise UnsafeFileError(f"storage {describe(key)} has two types or sizes")
        return known

    return load
