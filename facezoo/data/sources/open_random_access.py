"""Any data set opened with random access to its images, for converting and checking."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facezoo.data.sources.encoded import EncodedSource
from facezoo.data.sources.open_source import data_kind, open_source
from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.sources.shards import Shards
from facezoo.data.sources.source import Source
from facezoo.data.sources.verification_bin import VerificationBin, read_verification_bin
from facezoo.errors import DataError


class PairImages(EncodedSource):
    """The 2 P images of a verification ``.bin``, which names no identities; all get the identity "unknown"."""

    def __init__(self, pairs: VerificationBin) -> None:
        self.pairs = pairs
        self.labels = np.zeros(len(pairs.images), np.int64)
        self.class_names = ["unknown"]

    def key(self, index: int) -> str:
        """File, pair and side."""
        return self.pairs.key(index)

    def encoded(self, index: int) -> bytes:
        """The stored bytes."""
        return self.pairs.images[index]


def open_random_access(path: str | Path) -> Source:
    """Open what :func:`open_source` opens, shards with random access, and a ``.bin`` as :class:`PairImages`.

    Raises:
        DataError: it cannot be opened.
        UnsafeFileError: it asks for code or unsafe paths.
    """
    if data_kind(path) == "bin":
        return PairImages(read_verification_bin(path))
    source = open_source(path, min_classes=1)
    if isinstance(source, Shards):
        return ShardImages(source.path)
    if isinstance(source, Source):
        return source
    raise DataError(f"{path}: a {type(source).__name__} has no random access")
