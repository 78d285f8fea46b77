"""Names from outside as text that a terminal, a page or a table can show."""

from __future__ import annotations

import unicodedata

_DIRECTION = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they reorder the text that follows


def printable(text: object) -> str:
    r"""The text with control characters, and bytes that are not UTF-8, written as escapes such as ``\x1b``.

    >>> print(printable("a\x1b[31mb\udce9"))
    a\x1b[31mb\xe9
    """
    return "".join(_shown(letter) for letter in str(text))


def _shown(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(letter) in ("Cc", "Cs") or code in _DIRECTION:
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return letter
