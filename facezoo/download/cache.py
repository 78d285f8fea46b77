"""The cache folder: where it is, what is in it, and making room in it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facezoo.download import receipts
from facezoo.errors import ConfigError

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
UNITS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
STALE_PART = 7 * 86400.0  # an unfinished download nobody has continued for a week


@dataclass(frozen=True)
class CachedFile:
    """One file of the cache.

    Attributes:
        path: where it is.
        size: bytes.
        used: time of last use, seconds since the epoch.
        source: the URL it came from, or "" when it was put there by hand.
        partial: an unfinished download.
    """

    path: Path
    size: int
    used: float
    source: str
    partial: bool


def root() -> Path:
    """The folder that ``FACEZOO_CACHE`` names, else the user's cache folder as the system has it."""
    import pooch

    value = os.environ.get("FACEZOO_CACHE", "")
    return Path(value).expanduser() if value else Path(pooch.os_cache("facezoo"))


def parse_size(text: str) -> int:
    """Bytes of "500MB", "20GiB" or "1e9".

    >>> parse_size("20GiB") == 20 * 2**30
    True
    """
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?(?:e[0-9]+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    if found is None or found[2] not in UNITS:
        raise ConfigError(f"size is {text!r}; expected something like 500MB or 20GiB")
    return int(float(found[1]) * UNITS[found[2]])


def entries(folder: Path) -> list[CachedFile]:
    """All files below ``folder``, least recently used first."""
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        partial = path.name.startswith(".") and path.name.endswith(".part")
        if not path.is_file() or (path.name.startswith(".") and not partial):
            continue
        note = receipts.read(path)
        stamp = receipts.path_of(path) if note else path
        source = str(note.get("source", "")) if note else ""
        found.append(CachedFile(path, path.stat().st_size, stamp.stat().st_mtime, source, partial))
    return sorted(found, key=lambda entry: (entry.used, entry.path))


def prune(
    folder: Path,
    *,
    keep_bytes: int | None = None,
    keep: Iterable[Path] = (),
    dry_run: bool = False,
) -> list[CachedFile]:
    """Delete stale partial downloads and, past ``keep_bytes``, the least recently used files.

    Files put there by hand (without a receipt) and those in ``keep`` are never deleted.

    Returns:
        What was deleted, or would be.
    """
    kept = {Path(path).resolve() for path in keep}
    present = entries(folder)
    doomed = [entry for entry in present if entry.partial and time.time() - entry.used > STALE_PART]
    if keep_bytes is not None:
        total = sum(entry.size for entry in present) - sum(entry.size for entry in doomed)
        for entry in present:
            if total <= keep_bytes:
                break
            if entry in doomed or entry.path.resolve() in kept or not (entry.source or entry.partial):
                continue
            doomed.append(entry)
            total -= entry.size
    for entry in [] if dry_run else doomed:
        _delete(entry.path)
    return doomed


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    receipts.path_of(path).unlink(missing_ok=True)
    path.with_name(f"{path.name}.json").unlink(missing_ok=True)  # the origin of a partial download
