"""Members of tar archives with chosen headers."""

from __future__ import annotations

import io
import tarfile


def add(archive, name, data=b"", **changes):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in changes.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(data))
