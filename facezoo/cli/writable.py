"""Output paths, checked before the work, so that hours of it do not end at a path that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

from facezoo.errors import ConfigError


def check_output(option: str, path: Path | None) -> None:
    """Raise ConfigError unless a file can be written there. Nothing is created.

    Args:
        option: the name of the option, for the message.
        path: the file; None is fine.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{option} is {str(path)!r}, a folder; expected the name of a file")
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise ConfigError(f"{option} is {str(path)!r}; {str(folder)!r} is a file; expected a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{option} is {str(path)!r}; the folder {str(folder)!r} is not writable")
