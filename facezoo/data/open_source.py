"""One call that opens whatever a data path points at."""

from __future__ import annotations

import os
from pathlib import Path

from facezoo.data.folder import ImageFolder
from facezoo.data.source import Source, StreamSource
from facezoo.errors import DataError


def open_source(path: str | os.PathLike[str], *, min_classes: int = 2) -> Source | StreamSource:
    """Open a data set by looking at what is there.

    Args:
        path: a folder with one folder an identity.
        min_classes: fewer identities than this are refused; training needs two.

    Raises:
        DataError: nothing is there, it is empty, of no known kind, or has too few identities.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected a data set")
    source = ImageFolder(path)
    if source.num_classes < min_classes:
        raise DataError(
            f"{path}: {source.num_classes} identity ({source.class_names[0]!r}); "
            f"expected at least {min_classes} to learn to tell them apart"
        )
    return source
