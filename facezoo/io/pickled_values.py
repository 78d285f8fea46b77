"""Stand-ins for the names in a pickle from outside: arrays and containers, checked and counted as they are built.

NumPy and Python write an array, a set or bytes as a call of a named function. None of these functions is called with
values of the file; each name is bound to a function of this module that checks its arguments.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from facezoo.errors import UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.shapes import count_elements

Names = dict[tuple[str, str], Any]

_CODE = re.compile(r"[<>|=]?(?:[iu][1248]|f[248]|f16|b1)")
_CODECS = ("latin1", "latin-1", "utf-8")
_REFERENCE = 8  # bytes of one entry in a container


class Budget:
    """Bytes that the arrays and copies of one file may take; each one built is counted.

    A pickle can refer to one buffer from many arrays, each of which becomes a copy.

    Args:
        limit: the most bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0

    def spend(self, size: int) -> None:
        """Count ``size`` bytes before they are allocated.

        Raises:
            UnsafeFileError: they exceed what is left.
        """
        self.spent += size
        if self.spent > self.limit:
            raise UnsafeFileError(f"its arrays take more than {self.limit} bytes, the limit for a file of its size")


class PickledDtype:
    """``numpy.dtype`` in a pickle: built from a code such as 'f4', then given its byte order."""

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        text = _text(code)
        if not _CODE.fullmatch(text):
            raise UnsafeFileError(f"it holds an array of type {text[:20]!r}; expected numbers or booleans")
        self.dtype = np.dtype(text)

    def set_state(self, state: Any) -> None:
        """Take the byte order; a structured type is refused."""
        if not (isinstance(state, tuple) and len(state) == 8) or any(part is not None for part in state[2:5]):
            raise UnsafeFileError("it holds an array of a structured type; expected numbers or booleans")
        if _text(state[1]) in ("<", ">", "="):
            self.dtype = self.dtype.newbyteorder(_text(state[1]))  # type: ignore[arg-type]


class PickledArray:
    """An array in a pickle: built empty, then given shape, type and bytes.

    Attributes:
        array: None until the state is set.
    """

    def __init__(self, budget: Budget) -> None:
        self.array: np.ndarray | None = None
        self._budget = budget

    def set_state(self, state: Any) -> None:
        """Take (version, shape, type, order, bytes)."""
        if not (isinstance(state, tuple) and len(state) == 5):
            raise UnsafeFileError("it holds an array in an unknown form")
        _, shape, dtype, fortran, data = state
        self.array = _build(data, dtype, shape, "F" if fortran else "C", self._budget)


class PickledOrderedDict(OrderedDict[Any, Any]):
    """``collections.OrderedDict`` in a pickle; attributes given to it (``_metadata`` of torch) are dropped."""

    def set_state(self, state: Any) -> None:
        """Drop the attributes."""


def check_keys(keys: Any) -> None:
    """Refuse keys of a dict, or members of a set, that take long to hash: all must be str, int or bytes.

    Raises:
        UnsafeFileError: one is of another type or an integer of more than 64 bits.
    """
    for key in keys:
        if not isinstance(key, str | int | bytes) or (isinstance(key, int) and key.bit_length() > 64):
            raise UnsafeFileError(f"a key or a member of a set is {describe(key)}; expected str, int or bytes")


def pickled_names(budget: Budget) -> Names:
    """(module, name) -> placeholder, for the names with which NumPy and Python write arrays, containers and bytes.

    Args:
        budget: counts what the placeholders build.
    """
    names: Names = {
        ("collections", "OrderedDict"): partial(_ordered, budget),
        ("collections", "Counter"): partial(_dict, budget),  # learning-rate schedules in training checkpoints
        ("_codecs", "encode"): partial(_encode, budget),
        ("numpy", "dtype"): PickledDtype,
        ("numpy", "ndarray"): _ndarray,
    }
    for module in ("builtins", "__builtin__"):
        names[module, "set"] = partial(_set, budget, set)
        names[module, "frozenset"] = partial(_set, budget, frozenset)
        names[module, "tuple"] = partial(_tuple, budget)
        names[module, "bytes"] = _bytes
        names[module, "bytearray"] = partial(_bytearray, budget)
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = partial(_reconstruct, budget)
        names[f"{core}.multiarray", "scalar"] = _scalar
        names[f"{core}.numeric", "_frombuffer"] = partial(_from_buffer, budget)
    return names


def _text(value: Any) -> str:
    value = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(value, str):
        raise UnsafeFileError(f"it holds {describe(value)} where the name of a type is expected")
    return value


def _build(data: Any, dtype: Any, shape: Any, order: Any, budget: Budget) -> np.ndarray:
    if not isinstance(dtype, PickledDtype):
        raise UnsafeFileError(f"it holds an array of {describe(dtype)}; expected numbers or booleans")
    data = data.encode("latin-1") if isinstance(data, str) else data  # bytes of Python 2
    if not isinstance(data, bytes | bytearray):
        raise UnsafeFileError(f"it holds an array whose content is {describe(data)}; expected bytes")
    if order not in ("C", "F"):
        raise UnsafeFileError(f"it holds an array in order {describe(order)}; expected 'C' or 'F'")
    count, kind = count_elements(shape), dtype.dtype
    if count * kind.itemsize != len(data):
        raise UnsafeFileError(f"it holds an array of {count} elements of {kind} in {len(data)} bytes")
    budget.spend(len(data))
    if kind == np.bool_:
        return (np.frombuffer(data, np.uint8) != 0).reshape(shape, order=order)
    return np.frombuffer(data, kind).reshape(shape, order=order).astype(kind.newbyteorder("="))


def _reconstruct(budget: Budget, kind: Any, shape: Any = None, code: Any = None) -> PickledArray:
    if kind is not _ndarray:
        raise UnsafeFileError(f"it rebuilds {describe(kind)}; expected an array")
    return PickledArray(budget)


def _from_buffer(budget: Budget, data: Any, dtype: Any, shape: Any, order: Any = "C") -> PickledArray:
    array = PickledArray(budget)
    array.array = _build(data, dtype, shape, _text(order), budget)
    return array


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return _build(data, dtype, (), "C", Budget(16)).item()


def _ndarray(*arguments: Any) -> Any:
    raise UnsafeFileError("it calls numpy.ndarray; expected arrays as NumPy writes them")


def _encode(budget: Budget, text: Any, codec: Any = "utf-8") -> bytes:
    """How Python 3 writes bytes in protocols 0 to 2."""
    if not isinstance(text, str) or _text(codec) not in _CODECS:
        raise UnsafeFileError(f"it encodes {describe(text)} as {describe(codec)}; expected text as latin1")
    budget.spend(len(text))
    return text.encode(_text(codec))


def _bytes(*arguments: Any) -> bytes:
    """How Python 3 writes empty bytes in protocols 0 to 2."""
    if arguments:
        raise UnsafeFileError("it calls bytes() with arguments")
    return b""


def _bytearray(budget: Budget, *arguments: Any) -> bytearray:
    data: Any = arguments[0] if arguments else b""
    if len(arguments) == 2 and isinstance(data, str) and _text(arguments[1]) in _CODECS[:2]:
        data = data.encode("latin-1")
    elif len(arguments) > 1 or not isinstance(data, bytes):
        raise UnsafeFileError(f"it calls bytearray() with {describe(data)}; expected bytes")
    budget.spend(len(data))
    return bytearray(data)


def _members(budget: Budget, name: str, arguments: tuple[Any, ...], kinds: Any) -> Any:
    """The one container that a call is given, whose entries the result copies."""
    if not arguments:
        return ()
    if len(arguments) > 1 or not isinstance(arguments[0], kinds):
        raise UnsafeFileError(f"it calls {name}() with {describe(arguments[0])} and {len(arguments) - 1} more")
    budget.spend(len(arguments[0]) * _REFERENCE)
    return arguments[0]


def _tuple(budget: Budget, *arguments: Any) -> tuple[Any, ...]:
    return tuple(_members(budget, "tuple", arguments, (list, tuple)))


def _set(budget: Budget, kind: Callable[[Any], Any], *arguments: Any) -> Any:
    members = _members(budget, "set", arguments, (list, tuple, set, frozenset))
    check_keys(members)
    return kind(members)


def _dict(budget: Budget, *arguments: Any) -> dict[Any, Any]:
    return dict(_members(budget, "dict", arguments, dict))


def _ordered(budget: Budget, *arguments: Any) -> PickledOrderedDict:
    """Python 2 writes an OrderedDict as a list of pairs, Python 3 without arguments."""
    pairs = _members(budget, "OrderedDict", arguments, (list, tuple, dict))
    if not isinstance(pairs, dict):
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            raise UnsafeFileError("it builds an OrderedDict from a list that does not hold pairs")
        check_keys(pair[0] for pair in pairs)
    return PickledOrderedDict(pairs)
