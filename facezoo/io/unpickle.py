"""An unpickler that can build plain values and arrays, and nothing else.

It calls nothing that a file names: the few names that weight files need stand for functions of this module, which
check what they are given. Any other name is refused before anything is built from it.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from facezoo.errors import UnsafeFileError

MAX_PICKLE = 64 << 20  # bytes of a torch pickle, which holds no weights; those of Paddle hold them and have no limit


def _plain(kind: Callable[..., Any]) -> Callable[..., Any]:
    def build(*arguments: Any) -> Any:
        if len(arguments) > 1:
            raise UnsafeFileError(f"pickle calls {getattr(kind, '__name__', kind)} with {len(arguments)} arguments")
        return kind(*arguments)

    return build


def _encode(text: Any, codec: Any = "utf-8") -> bytes:
    """How pickles of protocol 2 write bytes."""
    if not isinstance(text, str) or codec not in ("latin1", "utf-8"):
        raise UnsafeFileError(f"pickle calls _codecs.encode with codec {codec!r}")
    return text.encode(codec)


class _Dtype:
    """A NumPy dtype as a pickle writes it: made from a code, then told its byte order."""

    def __init__(self, code: Any = "f4", align: Any = False, copy: Any = False) -> None:
        if not isinstance(code, str) or code[:1] not in "fiub" or len(code) > 3:
            raise UnsafeFileError(f"pickle holds an array of type {code!r}; expected numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "="):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """A NumPy array as a pickle writes it: an empty one, then told shape, type and bytes."""

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes | bytearray):
            raise UnsafeFileError("pickle holds an array of objects; expected numbers")
        self.array = filled(bytes(data), dtype, shape, "F" if fortran else "C")


def filled(data: bytes, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array from its bytes, all sizes checked."""
    if not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise UnsafeFileError("pickle holds an array of objects; expected numbers")
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise UnsafeFileError(f"pickle holds an array of shape {shape!r}")
    values = np.frombuffer(data, dtype.dtype)
    count = 1
    for side in shape:
        count *= side
    if count != values.size:
        raise UnsafeFileError(f"pickle holds {values.size} values for an array of shape {shape}")
    return values.reshape(shape, order=order).astype(dtype.dtype.newbyteorder("="))


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return filled(bytes(data), dtype, shape, order)


def _scalar(dtype: Any, data: Any = b"") -> Any:
    data = data.encode("latin1") if isinstance(data, str) else data
    return filled(bytes(data), dtype, (), "C").item()


def _ndarray(*arguments: Any) -> Any:
    raise UnsafeFileError("pickle calls numpy.ndarray; expected arrays as NumPy writes them")


def _buffer(*arguments: Any) -> bytearray:
    if len(arguments) == 1 and isinstance(arguments[0], bytes):
        return bytearray(arguments[0])
    if len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] == "latin-1":
        return bytearray(arguments[0], "latin-1")
    if not arguments:
        return bytearray()
    raise UnsafeFileError("pickle calls bytearray with something else than bytes")


class _Ordered(OrderedDict):
    """What a pickle may build as OrderedDict; attributes that it sets (``_metadata``) are forgotten."""

    def __setstate__(self, state: Any) -> None:
        return


NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Ordered,
    ("collections", "Counter"): _plain(dict),  # schedules of learning rates in training checkpoints
    ("_codecs", "encode"): _encode,
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _ndarray,
}
for _module in ("builtins", "__builtin__"):
    NAMES[_module, "set"] = _plain(set)
    NAMES[_module, "frozenset"] = _plain(frozenset)
    NAMES[_module, "bytearray"] = _buffer
    NAMES[_module, "tuple"] = _plain(tuple)
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    NAMES[_module, "_reconstruct"] = _reconstruct
    NAMES[_module, "scalar"] = _scalar
for _module in ("numpy.core.numeric", "numpy._core.numeric"):
    NAMES[_module, "_frombuffer"] = _frombuffer


# the one written in Python: the other's memo can be made to take all memory
_Base: Any = pickle._Unpickler


class Unpickler(_Base):
    """The restricted unpickler.

    Args:
        file: positioned at the pickle.
        where: name of the file, for messages.
        names: (module, name) -> what it stands for, beside ``NAMES``.
        storage: resolves a persistent id; without it there may be none.
    """

    def __init__(
        self, file: Any, where: str, names: dict[tuple[str, str], Any] | None = None,
        storage: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(file, encoding="latin1")
        self.where = where
        self.names = {**NAMES, **(names or {})}
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for.

        Raises:
            UnsafeFileError: it is none of the few that weights need.
        """
        try:
            return self.names[module, name]
        except KeyError:
            raise UnsafeFileError(
                f"{self.where!r} asks for {module}.{name}, which weights do not need; nothing of it was run"
            ) from None

    def load_build(self) -> None:
        """Give state to what a pickle may give it to, which is nothing that outlives the reading."""
        if not isinstance(self.stack[-2], _Ordered | _Array | _Dtype):
            raise UnsafeFileError(f"{self.where!r} sets attributes of a {type(self.stack[-2]).__name__}")
        super().load_build()

    dispatch = {**_Base.dispatch, pickle.BUILD[0]: load_build}  # noqa: RUF012

    def get_extension(self, code: int) -> Any:
        """Refused: codes of the copyreg registry."""
        raise UnsafeFileError(f"{self.where!r} asks for the registered class {code}, which weights do not need")

    def persistent_load(self, pid: Any) -> Any:
        """A storage."""
        if self.storage is None:
            raise UnsafeFileError(f"{self.where!r} refers to {str(pid)[:60]!r} outside the pickle")
        return self.storage(pid)


def resolved(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """The same tree with every array in its place; containers become plain ones. What is shared is resolved once."""
    seen = {} if seen is None else seen
    if isinstance(value, _Array):
        return value.array
    if not isinstance(value, dict | list | tuple) and not hasattr(value, "array_of_tensor"):
        return value
    if id(value) not in seen:
        if isinstance(value, dict):
            seen[id(value)] = {key: resolved(item, seen) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            seen[id(value)] = [resolved(item, seen) for item in value]
        else:
            seen[id(value)] = value.array_of_tensor()
    return seen[id(value)]


def loads(data: bytes, where: str, **options: Any) -> Any:
    """Unpickle bytes; arrays stay unresolved."""
    return Unpickler(io.BytesIO(data), where, **options).load()
