"""``FACEZOO_MIRROR``: a folder of files that were downloaded on another machine, or a server that holds them.

``FACEZOO_OFFLINE=1``: nothing is downloaded; files of the cache and of a mirror folder are used.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from facezoo.download.remote import RemoteFile
from facezoo.errors import DownloadError

VARIABLE = "FACEZOO_MIRROR"
OFFLINE = "FACEZOO_OFFLINE"


def address() -> str | None:
    """The http(s) address in ``FACEZOO_MIRROR``, without a slash at its end, or None when it is not an address."""
    value = os.environ.get(VARIABLE, "").strip()
    return value.rstrip("/") if value.lower().startswith(("http://", "https://")) else None


def forbidden() -> bool:
    """Whether ``FACEZOO_OFFLINE`` forbids downloads: it is set to something other than 0, false or no."""
    return os.environ.get(OFFLINE, "").strip().lower() not in ("", "0", "false", "no")


def addresses(base: str, name: str, shelf: str = "") -> tuple[str, ...]:
    """``BASE/SHELF/NAME`` and ``BASE/NAME``.

    >>> addresses("http://example.org/f", "a b.zip", "lfw")
    ('http://example.org/f/lfw/a%20b.zip', 'http://example.org/f/a%20b.zip')
    """
    places = [f"{shelf}/{name}", name] if shelf else [name]
    return tuple(f"{base}/{quote(place)}" for place in places)


def folder() -> Path | None:
    """The folder in ``FACEZOO_MIRROR``, or None when it is not set or an http(s) address.

    Raises:
        DownloadError: it is not a folder.
    """
    value = os.environ.get(VARIABLE, "")
    if not value or address() is not None:
        return None
    path = Path(value).expanduser()
    if not path.is_dir():
        raise DownloadError(f"{VARIABLE} is {value!r}, which is not a folder or an http(s) address")
    return path


def find(mirror: Path, remote: RemoteFile, shelf: str = "") -> Path:
    """``MIRROR/SHELF/NAME``, or ``MIRROR/NAME``.

    Raises:
        DownloadError: it is in neither place; the message states where to put it and its source and hash.
    """
    places = [mirror / shelf / remote.name, mirror / remote.name] if shelf else [mirror / remote.name]
    for place in places:
        if place.is_file():
            return place
    what = f", sha256 {remote.sha256}" if remote.sha256 else f", md5 {remote.md5}" if remote.md5 else ""
    source = f" (from {remote.urls[0]}{what})" if remote.urls else ""
    raise DownloadError(f"{VARIABLE} is set and {places[0]} is not there: put the file there{source}")
