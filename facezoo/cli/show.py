"""Tables and JSON on standard output."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from facezoo.io.printable import printable

_UNSAFE = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # what JSON leaves unescaped and a terminal obeys


def say(line: object) -> None:
    """Print one line; control characters in names from outside are shown as escapes."""
    print(printable(line))


def print_json(value: Any) -> None:
    """Print one JSON document."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    try:
        print(_UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text))
    except UnicodeEncodeError:  # the terminal's encoding lacks a character
        print(json.dumps(value, indent=1, default=str))


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Print a table as plain text, each column as wide as its content.

    Args:
        head: the names of the columns.
        rows: the cells.
        right: numbers of the columns that are aligned to the right.
    """
    lines = [list(map(printable, line)) for line in [head, *rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def print_facts(facts: dict[str, object]) -> None:
    """Print one fact per line, the names in a column."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {printable(value)}")


def count(value: object) -> str:
    """An integer with thousands separators; other values as they are.

    >>> count(13233)
    '13,233'
    """
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
