"""Type checks of option values, by the annotations of the class of a network or a loss."""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from facezoo.errors import ConfigError

NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "a string", type(None): "none"}


def check_types(name: str, owner: type, options: Mapping[str, Any]) -> None:
    """Raise ConfigError for the first option whose value is of another type than the owner's field of that name.

    Args:
        name: public name of the network or the loss, for the message.
        owner: a dataclass; options that are not its fields are ignored.
        options: name -> value. A list may stand for a tuple, an integer for a number and for a square
            ``input_size``, NumPy's numbers for Python's. NaN and infinity are refused.
    """
    known = {entry.name for entry in fields(owner)}
    for key in [key for key in options if key in known]:
        value = _to_python(options[key])
        if key == "input_size" and type(value) is int:
            value = (value, value)
        hint = _hints(owner)[key]
        try:
            _adapter(hint).validate_python(value, strict=True)
        except ValidationError:
            raise ConfigError(f"{name}: {key} is {options[key]!r}; expected {_expected(hint)}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{name}: {key} is {value}; expected {_expected(hint)}")


@functools.cache
def _hints(owner: type) -> dict[str, Any]:
    return typing.get_type_hints(owner)


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _to_python(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return tuple(_to_python(item) for item in value) if isinstance(value, list | tuple) else value


def _expected(hint: Any) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_expected(part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        inside = [part for part in typing.get_args(hint) if part is not Ellipsis]
        return f"a list of {_expected(inside[0]).split(' ', 1)[-1]}s" if len(set(inside)) == 1 else "a list"
    return NAMES.get(hint, str(hint))
