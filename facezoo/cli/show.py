"""Tables and JSON on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document, so that a program can read it."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Columns as wide as their content; plain text, so that it can be searched and copied.

    Args:
        head: the columns' names.
        rows: the cells.
        right: numbers of the columns that are set to the right.
    """
    lines = [list(map(str, line)) for line in [head, *rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def print_facts(facts: dict[str, object]) -> None:
    """One fact a line, the names in a column."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


def count(value: object) -> str:
    """A number with separators; "unknown" and other words as they are.

    >>> count(13233)
    '13,233'
    """
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
