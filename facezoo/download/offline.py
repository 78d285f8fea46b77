"""The offline folder: files that were downloaded on another machine."""

from __future__ import annotations

import os
from pathlib import Path

from facezoo.download.remote import RemoteFile
from facezoo.errors import DownloadError

VARIABLE = "FACEZOO_MIRROR"


def folder() -> Path | None:
    """The folder in ``FACEZOO_MIRROR``, or None when it is not set.

    Raises:
        DownloadError: it is not a folder.
    """
    value = os.environ.get(VARIABLE, "")
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_dir():
        raise DownloadError(f"{VARIABLE} is {value!r}, which is not a folder")
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
