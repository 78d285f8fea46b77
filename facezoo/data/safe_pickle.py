"""Reading a pickle from outside that holds plain lists, numbers, bytes and byte arrays, and nothing else.

Two guards stand one behind the other. Before anything is unpickled, the opcodes are walked: those that build
objects by class, fetch by extension code or ask for persistent objects are refused, and so is every global
that is not one of the few names NumPy and Python write for byte arrays. Then the standard unpickler runs with
those names bound to inert stand-ins that only check and keep what they are given: neither NumPy nor any
other library's code is called with values of the file.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any

import numpy as np

from facezoo.errors import DataError, UnsafeFileError

_COUNTS = {1: "<B", 4: "<I", 8: "<Q"}
_PLAIN = frozenset(b"(.012NRb]la)te\x85\x86\x87\x88\x89\x93\x94")  # opcodes without an argument
_LINES = {**dict.fromkeys(b"ILSVpg", 1), ord("c"): 2}  # opcode -> lines of text that follow
_FIXED = {**dict.fromkeys(b"Khq\x80", 1), ord("M"): 2, **dict.fromkeys(b"Jjr", 4), 0x95: 8}
_COUNTED = {  # opcode -> bytes of the count before its data
    **dict.fromkeys(b"UC\x8a\x8c", 1),
    **dict.fromkeys(b"TBX\x8b", 4),
    **dict.fromkeys(b"\x8d\x8e\x96", 8),
}
_BYTE_TYPES = {"u1": np.uint8, "b1": np.bool_}
_CODE_TYPES = frozenset({"u1", "|u1", "b1", "|b1"})


def loads(data: bytes, name: str) -> object:
    """Unpickle plain values; arrays of uint8 or bool come back as NumPy arrays, in lists or alone.

    Text of Python 2 comes back as bytes.

    Args:
        data: the pickle, of any protocol.
        name: what messages call the file.

    Raises:
        UnsafeFileError: it asks for anything but plain values and byte arrays; nothing of it has run.
        DataError: it is broken or cut off.
    """
    try:
        _walk(data)
        return _plain(_Unpickler(io.BytesIO(data), encoding="bytes").load())
    except UnsafeFileError as error:
        raise UnsafeFileError(f"{name}: {error}") from error
    except Exception as error:  # broken pickles end in many kinds of exception
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{name}: not a readable pickle ({reason})") from error


def _walk(data: bytes) -> None:
    """Refuse forbidden opcodes, globals and memo numbers without building anything."""
    at, size = 0, len(data)
    while at < size:
        opcode = data[at]
        at += 1
        if opcode == ord("."):
            return
        if opcode in _PLAIN:
            continue
        if opcode in _LINES:
            end = at
            for _ in range(_LINES[opcode]):
                end = data.index(b"\n", end) + 1
            _check_text(opcode, data[at:end], size)
            at = end
        elif opcode in _FIXED:
            at += _FIXED[opcode]
            if opcode == ord("r") and struct.unpack_from("<I", data, at - 4)[0] > size:
                raise DataError("a memo number above the file's size")
        elif opcode in _COUNTED:
            width = _COUNTED[opcode]
            at += width + struct.unpack_from(_COUNTS[width], data, at)[0]
        else:
            raise UnsafeFileError(f"pickle opcode 0x{opcode:02x} at byte {at - 1}; expected plain lists and bytes")
    raise DataError("the pickle is cut off")


def _check_text(opcode: int, text: bytes, size: int) -> None:
    if opcode == ord("c"):
        module, attribute = text.decode("utf-8").split("\n")[:2]
        _stand_in(module, attribute)
    elif opcode == ord("p") and int(text) > size:
        raise DataError("a memo number above the file's size")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _stand_in(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise UnsafeFileError("it refers to an object outside the file")


def _stand_in(module: str, name: str) -> Any:
    found = _ALLOWED.get((module, name))
    if found is None:
        raise UnsafeFileError(
            f"it asks for {f'{module}.{name}'[:80]!r}; expected plain lists, numbers, bytes and uint8 arrays"
        )
    return found


class _Dtype:
    """What ``numpy.dtype('u1')`` becomes."""

    __slots__ = ("type",)

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        code = _text(code)
        if code not in _CODE_TYPES:
            raise UnsafeFileError(f"it holds an array of type {code[:20]!r}; expected bytes (uint8)")
        self.type = _BYTE_TYPES[code[-2:]]

    def __setstate__(self, state: Any) -> None:
        if not (type(state) is tuple and len(state) == 8) or any(part is not None for part in state[2:5]):
            raise UnsafeFileError("it holds an array of a structured type; expected bytes (uint8)")


class _Array:
    """What a pickled array becomes until it has been checked."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        if not (type(state) is tuple and len(state) == 5):
            raise UnsafeFileError("it holds an array in an unknown form")
        _, shape, dtype, fortran, data = state
        self.value = _build(shape, dtype, data, "F" if fortran else "C")


def _build(shape: Any, dtype: Any, data: Any, order: str) -> np.ndarray:
    good = type(shape) is tuple and len(shape) <= 4 and all(type(n) is int and n >= 0 for n in shape)
    if not good or type(dtype) is not _Dtype or not hasattr(dtype, "type"):
        raise UnsafeFileError("it holds an array that is not of bytes (uint8)")
    if not isinstance(data, bytes | bytearray):
        raise UnsafeFileError(f"it holds an array of {type(data).__name__}; expected bytes (uint8)")
    if int(np.prod(shape, dtype=object)) != len(data):
        raise DataError(f"an array of shape {shape} with {len(data)} bytes")
    flat = np.frombuffer(bytes(data), np.uint8)
    flat = flat if dtype.type is np.uint8 else flat != 0
    return flat.reshape(shape, order="F" if order == "F" else "C")


class _Function:
    """A function of the file's asking, by a fixed implementation; cannot be altered by the pickle."""

    __slots__ = ("_run",)

    def __init__(self, run: Any) -> None:
        self._run = run

    def __call__(self, *arguments: Any) -> Any:
        return self._run(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise UnsafeFileError("it sets the state of a function")


def _reconstruct(kind: Any, shape: Any = None, code: Any = None) -> _Array:
    if kind is not _NDARRAY:
        raise UnsafeFileError("it rebuilds something that is not an array")
    return _Array()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> _Array:
    array = _Array()
    array.value = _build(shape, dtype, data, _text(order))
    return array


def _scalar(dtype: Any, data: Any = None) -> Any:
    return _build((1,), dtype, data, "C")[0].item()


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How Python 3 writes bytes in protocols that have none."""
    if type(text) is not str or _text(encoding) not in ("latin1", "latin-1"):
        raise UnsafeFileError("it encodes text; expected bytes")
    return text.encode("latin-1")


def _bytes(*arguments: Any) -> bytes:
    if arguments:
        raise UnsafeFileError("it calls bytes() with arguments")
    return b""


def _ndarray(*arguments: Any) -> Any:
    raise UnsafeFileError("it calls numpy.ndarray")


def _text(value: Any) -> str:
    value = value.decode("latin-1") if type(value) is bytes else value
    if type(value) is not str:
        raise UnsafeFileError(f"it holds a {type(value).__name__} where a type's name is expected")
    return value


_NDARRAY = _Function(_ndarray)
_NUMPY_CORES = ("numpy.core", "numpy._core")
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Function(_Dtype),
    ("_codecs", "encode"): _Function(_encode),
    **{(module, "bytes"): _Function(_bytes) for module in ("builtins", "__builtin__")},
    **{(f"{core}.multiarray", "_reconstruct"): _Function(_reconstruct) for core in _NUMPY_CORES},
    **{(f"{core}.multiarray", "scalar"): _Function(_scalar) for core in _NUMPY_CORES},
    **{(f"{core}.numeric", "_frombuffer"): _Function(_from_buffer) for core in _NUMPY_CORES},
}


def _plain(value: Any) -> Any:
    """Arrays out of their stand-ins: alone, in a list or tuple, or in one list or tuple within it."""
    return _unwrap(value, 2, {})


def _unwrap(value: Any, depth: int, done: dict[tuple[int, int], Any]) -> Any:
    if type(value) is _Array:
        if value.value is None:
            raise UnsafeFileError("it holds an array without content")
        return value.value
    if type(value) in (list, tuple):
        if not depth:
            return value
        place = (id(value), depth)  # a list referred to a million times is gone through once
        if place not in done:
            done[place] = type(value)(_unwrap(item, depth - 1, done) for item in value)
        return done[place]
    if type(value) is int and value.bit_length() > 64:
        raise DataError(f"it holds a number of {value.bit_length()} bits")
    if value is None or type(value) in (int, bool, str, bytes, bytearray):
        return value
    raise UnsafeFileError(f"it holds a {type(value).__name__}; expected plain lists, numbers and bytes")
