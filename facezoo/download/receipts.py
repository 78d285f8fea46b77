"""Receipts: the source, size and hash of each download, in a small JSON file beside it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from facezoo.download.remote import RemoteFile
from facezoo.io.files import file_hash
from facezoo.io.json_text import parse_json


def path_of(target: Path) -> Path:
    """``.NAME.receipt.json`` beside the file."""
    return target.with_name(f".{target.name}.receipt.json")


def write(target: Path, remote: RemoteFile, source: str) -> None:
    """Write the receipt of a file."""
    checked = "sha256" if remote.sha256 else "md5" if remote.md5 else "size" if remote.size else "nothing"
    note = {
        "source": source,
        "size": target.stat().st_size,
        "sha256": remote.sha256 or file_hash(target),
        "checked_against": checked,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    path_of(target).write_text(json.dumps(note, indent=1), encoding="utf-8")


def read(target: Path) -> dict[str, Any] | None:
    """The receipt of a file, or None if facezoo did not download it."""
    try:
        note = parse_json(path_of(target).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def unchanged(target: Path) -> bool:
    """Whether the file still matches the hash in its receipt; True without a receipt (placed by hand)."""
    note = read(target)
    if note is None:
        return True
    return note.get("size") == target.stat().st_size and note.get("sha256") == file_hash(target)


def touch(target: Path) -> None:
    """Record that the file was used now, for pruning by last use."""
    if path_of(target).exists():
        os.utime(path_of(target))
