"""Terms of use of data sets and weight files, which are shown and accepted once."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from facezoo.download import cache
from facezoo.errors import DataError
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json


def _store() -> Path:
    return cache.root() / "accepted-terms.json"


def _read() -> dict[str, dict[str, str]]:
    try:
        found = parse_json(_store().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(terms: str) -> str:
    return hashlib.sha256(terms.encode()).hexdigest()


def accepted(name: str, terms: str) -> bool:
    """Whether these terms were accepted for this name; changed terms must be accepted again."""
    return _read().get(name, {}).get("sha256") == _digest(terms)


def accept(name: str, terms: str) -> None:
    """Record that the terms were accepted."""
    notes = _read()
    notes[name] = {"sha256": _digest(terms), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    with atomic_write(_store()) as part:
        part.write_text(json.dumps(notes, indent=1, sort_keys=True), encoding="utf-8")


def require(name: str, terms: str, *, yes: bool) -> None:
    """Check that the terms are accepted.

    Raises:
        DataError: they are not; the message states them and how to accept them.
    """
    if yes:
        accept(name, terms)
    elif not accepted(name, terms):
        raise DataError(f"the terms of {name} are not accepted yet: {' '.join(terms.split())} (accept with --yes)")
