"""A restricted unpickler: it builds plain values and arrays, and calls nothing that a file names.

Three guards. Opcodes that create objects of a class, ask for extension codes or for buffers outside the file are
refused. A global is refused unless it is one of the few names in :mod:`facezoo.io.pickled_values` or of the caller,
and none of these is bound to the function it names. Lengths, keys, attributes and the total size of all arrays are
checked where they are read, so that a small file can neither hang the process nor fill the memory.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from facezoo.errors import DataError, FacezooError, UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.pickled_values import (
    Budget,
    Names,
    PickledArray,
    PickledDtype,
    PickledOrderedDict,
    check_keys,
    pickled_names,
)

MAX_EXPANSION = 8  # most bytes of arrays and copies that a file may unpack to, as a multiple of its size
_REFUSED = b"".join((
    pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4,
    pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
))  # fmt: skip
_SMALL = 1 << 16  # shorter reads are not checked against the end of the file before they are made
_LONGEST_INT = 255  # bytes; NumPy's generators write 16

# The implementation in Python: its memo is a dict, so that a large memo number takes no memory, and its opcodes can be
# replaced one by one.
_Base: Any = pickle._Unpickler


class Unpickler(_Base):
    """Reads one pickle after the other from a file; arrays stay unresolved until :func:`resolved`.

    Args:
        file: positioned at the pickle.
        where: name of the file, for messages.
        names: (module, name) -> placeholder, in addition to those of NumPy and Python.
        storage: resolves a persistent id; without it there may be none.
        encoding: of the text of Python 2: "bytes" keeps it as bytes.
        budget: counts the bytes of arrays; by default ``MAX_EXPANSION`` times the size of the file.
    """

    def __init__(
        self, file: IO[bytes], where: str, names: Names | None = None, storage: Callable[[Any], Any] | None = None,
        *, encoding: str = "latin1", budget: Budget | None = None,
    ) -> None:  # fmt: skip
        bounded = _BoundedFile(file)
        super().__init__(bounded, encoding=encoding)
        self.where = where
        self.budget = budget or Budget(MAX_EXPANSION * bounded.size)
        self.names = {**pickled_names(self.budget), **(names or {})}
        self.storage = storage

    def load(self) -> Any:
        """Read the next pickle.

        Raises:
            UnsafeFileError: it asks for anything but plain values and arrays; nothing of it has run.
            DataError: it is broken or cut off.
        """
        try:
            return super().load()
        except FacezooError as error:
            raise type(error)(f"{self.where}: {error}") from error
        except EOFError as error:
            raise DataError(f"{self.where}: not a readable pickle (it is cut off)") from error
        except Exception as error:  # broken pickles end in many kinds of exception
            raise DataError(f"{self.where}: not a readable pickle ({_reason(error)})") from error

    def find_class(self, module: str, name: str) -> Any:
        """The placeholder for a name in the pickle."""
        found = self.names.get((module, name))
        if found is None:
            asked = f"{module}.{name}"[:80]
            raise UnsafeFileError(f"it asks for {asked!r}; expected plain values and arrays; nothing of it was run")
        return found

    def persistent_load(self, pid: Any) -> Any:
        """A storage."""
        if self.storage is None:
            raise UnsafeFileError(f"it refers to {describe(pid)} outside the pickle")
        return self.storage(pid)

    def load_build(self) -> None:
        """Give state to an array, its type or an OrderedDict; nothing else has any."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, PickledArray | PickledDtype | PickledOrderedDict):
            raise UnsafeFileError(f"it sets attributes of {describe(target)}")
        target.set_state(state)

    def load_append(self) -> None:
        """Append to a list."""
        value = self.stack.pop()
        self._top(list).append(value)

    def load_appends(self) -> None:
        """Extend a list."""
        values = self.pop_mark()
        self._top(list).extend(values)

    def load_additems(self) -> None:
        """Add to a set."""
        members = self.pop_mark()
        check_keys(members)
        self._top(set).update(members)

    def load_frozenset(self) -> None:
        """Build a frozenset."""
        members = self.pop_mark()
        check_keys(members)
        self.append(frozenset(members))

    def load_dict(self) -> None:
        """Build a dict from keys and values in turn."""
        items = self.pop_mark()  # changes self.append
        self.append(_pairs(items))

    def load_setitem(self) -> None:
        """Set one entry of a dict."""
        value, key = self.stack.pop(), self.stack.pop()
        self._top(dict).update(_pairs([key, value]))

    def load_setitems(self) -> None:
        """Set entries of a dict."""
        items = self.pop_mark()
        self._top(dict).update(_pairs(items))

    def load_long4(self) -> None:
        """An integer with a count of four bytes; long ones are refused, since printing them takes quadratic time."""
        (size,) = struct.unpack("<i", self.read(4))
        if not 0 <= size <= _LONGEST_INT:
            raise DataError(f"it holds an integer of {size} bytes; expected at most {_LONGEST_INT}")
        self.append(int.from_bytes(self.read(size), "little", signed=True))

    def load_bytearray8(self) -> None:
        """A bytearray; not allocated before its bytes are known to be there."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    def _top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise UnsafeFileError(f"it adds entries to {describe(self.stack[-1])}; expected a {kind.__name__}")
        return self.stack[-1]

    def _refuse(self) -> None:
        raise UnsafeFileError("it uses an opcode that plain values and arrays do not need")

    dispatch = {  # noqa: RUF012 -- as in the base class
        **_Base.dispatch,
        **dict.fromkeys(_REFUSED, _refuse),
        pickle.BUILD[0]: load_build, pickle.APPEND[0]: load_append, pickle.APPENDS[0]: load_appends,
        pickle.ADDITEMS[0]: load_additems, pickle.FROZENSET[0]: load_frozenset, pickle.DICT[0]: load_dict,
        pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems, pickle.LONG4[0]: load_long4,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }  # fmt: skip


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise DataError("it holds a dict with a key and no value")
    check_keys(items[::2])
    return dict(zip(items[::2], items[1::2], strict=True))


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    return " ".join(str(error).split())[:120] or type(error).__name__


class _BoundedFile:
    """Refuses to read past the end, instead of allocating a stated length."""

    def __init__(self, file: IO[bytes]) -> None:
        at = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        file.seek(at)
        self._file = file
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        if size > _SMALL and size > self.size - self._file.tell():
            raise EOFError
        return self._file.read(size)


def unpickle(file: IO[bytes], where: str, names: Names | None = None, *, encoding: str = "latin1") -> Any:
    """Read one pickle of plain values and arrays; arguments and errors as of :class:`Unpickler`.

    Returns:
        nested dicts, lists (also for tuples), plain values and NumPy arrays.
    """
    unpickler = Unpickler(file, where, names, encoding=encoding)
    return resolved(unpickler.load(), where, unpickler.budget)


def resolved(tree: Any, where: str, budget: Budget) -> Any:
    """The same tree of plain values with every array in its place; what is shared is resolved once.

    Dicts become plain ones, tuples become lists. A tensor (anything with ``array_of_tensor()`` and ``nbytes``) becomes
    its array.

    Args:
        tree: what :meth:`Unpickler.load` returned.
        where: name of the file, for messages.
        budget: counts the bytes of tensors.

    Raises:
        UnsafeFileError: it holds something else, an array without content, or more arrays than the budget allows.
        DataError: it is nested too deeply.
    """
    try:
        return _resolve(tree, budget, {})
    except FacezooError as error:
        raise type(error)(f"{where}: {error}") from error
    except RecursionError as error:
        raise DataError(f"{where}: nested too deeply") from error


def _resolve(value: Any, budget: Budget, done: dict[int, Any]) -> Any:
    if value is None or isinstance(value, bool | int | float | str | bytes | bytearray | set | frozenset):
        return value
    if isinstance(value, PickledArray):
        if value.array is None:
            raise UnsafeFileError("it holds an array without content")
        return value.array
    if id(value) not in done:
        done[id(value)] = _resolve_new(value, budget, done)
    return done[id(value)]


def _resolve_new(value: Any, budget: Budget, done: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, budget, done) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, budget, done) for item in value]
    if not hasattr(value, "array_of_tensor"):
        raise UnsafeFileError(f"it holds {describe(value)}; expected plain values and arrays")
    budget.spend(value.nbytes)
    array: np.ndarray = value.array_of_tensor()
    return array
