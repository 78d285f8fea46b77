"""The cache folder: its place, its files, and pruning."""

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
STALE_PART = 7 * 86400.0  # seconds after which an unfinished download is deleted


@dataclass(frozen=True)
class CachedFile:
    """One file of the cache.

    Attributes:
        path: its path.
        size: bytes.
        used: time of last use, seconds since the epoch.
        source: the URL it came from, or "" for a file put there by hand.
        partial: whether it is an unfinished download.
    """

    path: Path
    size: int
    used: float
    source: str
    partial: bool


def root() -> Path:
    """The folder in ``FACEZOO_CACHE``, else the user's cache folder of the operating system (``XDG_CACHE_HOME``)."""
    import platformdirs

    value = os.environ.get("FACEZOO_CACHE", "")
    return Path(value).expanduser() if value else Path(platformdirs.user_cache_dir("facezoo"))


def parse_size(text: str) -> int:
    """The number of bytes in "500MB", "20GiB" or "1e9".

    >>> parse_size("20GiB") == 20 * 2**30
    True
    """
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?(?:e[0-9]+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    if found is None or found[2] not in UNITS:
        raise ConfigError(f"size is {text!r}; expected a size such as 500MB or 20GiB")
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
    """Delete old partial downloads and, above ``keep_bytes``, the least recently used files.

    Files put there by hand (without a receipt) and those in ``keep`` are never deleted.

    Returns:
        The files that were deleted, or would be.
    """
    kept = {Path(path).resolve() for path in keep}
    present = entries(folder)
    deleted = [entry for entry in present if entry.partial and time.time() - entry.used > STALE_PART]
    if keep_bytes is not None:
        total = sum(entry.size for entry in present) - sum(entry.size for entry in deleted)
        for entry in present:
            if total <= keep_bytes:
                break
            if entry in deleted or entry.path.resolve() in kept or not (entry.source or entry.partial):
                continue
            deleted.append(entry)
            total -= entry.size
    for entry in [] if dry_run else deleted:
        _delete(entry.path)
    return deleted


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    receipts.path_of(path).unlink(missing_ok=True)
    path.with_name(f"{path.name}.json").unlink(missing_ok=True)  # the origin of a partial download
