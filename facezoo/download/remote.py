"""A published file, the check of a file on disk against it, and the options of a download."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

from facezoo.errors import ConfigError
from facezoo.io.files import file_hash


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    Attributes:
        name: its file name on disk; one path component.
        urls: mirrors, tried in this order; ``http(s)://`` or ``hf://OWNER/REPO[@REVISION]/PATH``.
        size: bytes, or None when unknown.
        sha256: 64 hex digits, or None when none is published.
        md5: 32 hex digits, for files published without a SHA-256.

    >>> RemoteFile("../w.pth", ("https://example.org/w.pth",))
    Traceback (most recent call last):
    ...
    facezoo.errors.ConfigError: file name '../w.pth' is not one plain path component
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or PureWindowsPath(self.name).name != self.name or "/" in self.name:
            raise ConfigError(f"file name {self.name!r} is not one plain path component")
        for label, value, digits in (("sha256", self.sha256, 64), ("md5", self.md5, 32)):
            if value is not None and (len(value) != digits or set(value.lower()) - set("0123456789abcdef")):
                raise ConfigError(f"{label} of {self.name} is {value!r}; expected {digits} hex digits")

    @property
    def hashed(self) -> bool:
        """Whether a hash is published for it."""
        return self.sha256 is not None or self.md5 is not None

    def fault(self, path: Path) -> str | None:
        """Why the file at ``path`` is not this one, or None if its size and hash, where known, match."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"has {size} bytes; the published file has {self.size}"
        for algorithm in ("sha256", "md5"):
            expected = getattr(self, algorithm)
            if expected is not None:
                found = file_hash(path, algorithm)
                if found != expected.lower():
                    return f"has {algorithm} {found[:16]}...; published is {expected[:16].lower()}..."
                break
        return None


@dataclass(frozen=True)
class Options:
    """Retries and time limits of a download.

    Attributes:
        retries: attempts on one mirror without progress before the next mirror is tried, at least 1.
        max_attempts: attempts on one mirror, with or without progress.
        backoff: seconds before the second attempt, doubled each time.
        max_backoff: longest pause in seconds, also for a server's Retry-After.
        connect_timeout: seconds to connect.
        header_timeout: seconds to connect and receive all headers.
        stall_timeout: seconds without a byte, or below ``minimum_rate``, that count as a stall.
        minimum_rate: bytes/s over ``stall_timeout``; less is a stall.
        max_redirects: redirects followed.
        reserve: bytes that must stay free on the disk.
        lock_timeout: seconds to wait for another process that fetches the same file.
        sleep: the function that pauses.
    """

    retries: int = 5
    max_attempts: int = 1000
    backoff: float = 1.0
    max_backoff: float = 60.0
    connect_timeout: float = 15.0
    header_timeout: float = 60.0
    stall_timeout: float = 30.0
    minimum_rate: float = 1024.0
    max_redirects: int = 5
    reserve: int = 64 << 20
    lock_timeout: float = 6 * 3600.0
    sleep: Callable[[float], None] = time.sleep


def shown(url: str) -> str:
    """A URL for messages: without user, password and query.

    >>> shown("https://me:secret@example.org/a.bin?token=1")
    'https://example.org/a.bin'
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a malformed address"
    return f"{parts.scheme}://{host}{port}{parts.path}"
