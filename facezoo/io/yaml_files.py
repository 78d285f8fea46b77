"""YAML from outside: plain values only, with bounds on what a small file can expand to.

An alias makes one list stand in many places and a merge key copies mappings; both let a few lines stand for billions
of values. The values that aliases stand for, and the depth, are counted on the events of the text, before any value
is built.
"""

from __future__ import annotations

from typing import Any

import yaml

from facezoo.errors import DataError

MAX_ALIASED = 10_000  # values that the aliases of a text may stand for, all together
MAX_DEPTH = 64
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same result, seven times faster


def load_yaml(text: str) -> Any:
    """The value of one YAML document.

    Raises:
        DataError: it is not YAML, nested too deeply, expands to too many values or holds an impossible date; the
            message is one line, without the name of the file.

    >>> load_yaml("a: [1, two]")
    {'a': [1, 'two']}
    """
    try:
        _count(text)
        return yaml.load(text, LOADER)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:  # a date such as 2020-99-99, ...
        raise DataError(f"not YAML: {' '.join(str(error).split())[:300]}") from error
    except RecursionError as error:
        raise DataError(f"not YAML: nested more than {MAX_DEPTH} levels") from error


def _count(text: str) -> None:
    """Refuse a text by its depth and by the number of values that its aliases stand for."""
    sizes: dict[str | None, int] = {}  # anchor -> values below it, those of aliases included
    total = aliased = 0
    open_: list[tuple[str | None, int]] = []  # (anchor, total before it) of each collection that is open
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise DataError(f"not YAML: the alias *{str(event.anchor)[:40]} stands before its value or inside it")
            total += sizes[event.anchor]
            aliased += sizes[event.anchor]
            if aliased > MAX_ALIASED:
                raise DataError(f"not YAML: its aliases stand for more than {MAX_ALIASED:,} values")
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, total))
            sizes.pop(event.anchor, None)
            total += 1
            if len(open_) > MAX_DEPTH:
                raise DataError(f"not YAML: nested more than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = total - before
