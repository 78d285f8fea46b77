"""Short descriptions of values from an outside file, for messages."""

from __future__ import annotations

import numpy as np

_LONGEST = 40  # characters or bytes of a string that are shown


def describe(value: object) -> str:
    """A description of a value, in at most about 60 characters: "a list of 4", "the string 'abc'", "the int 3".

    The members of a container are not formatted: a few nested tuples of a pickle can expand to gigabytes of text.
    """
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    kind = type(value).__name__
    if isinstance(value, str | bytes | bytearray):
        shown = repr(value[:_LONGEST]) + ("..." if len(value) > _LONGEST else "")
        return f"the string {shown}" if isinstance(value, str) else f"{len(value)} bytes {shown}"
    if isinstance(value, int):
        return f"the int {value}" if value.bit_length() <= 64 else f"an int of {value.bit_length()} bits"
    if isinstance(value, float):
        return f"the float {value}"
    if isinstance(value, list | tuple | dict | set | frozenset):
        return f"a {kind} of {len(value)}"
    return f"an object of type {kind}"
