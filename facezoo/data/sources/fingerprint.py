"""A fingerprint of a data set: what must be equal for its labels and image numbers to mean the same."""

from __future__ import annotations

import hashlib
from typing import Any

from facezoo.data.sources.source import Source, StreamSource


def fingerprint(source: Source | StreamSource) -> dict[str, Any]:
    """Identities, images, and a hash of the identities' names and of every image's label; no path is in it."""
    digest = hashlib.sha256("\0".join(source.class_names).encode("utf-8", "surrogateescape"))
    images = source.length if isinstance(source, StreamSource) else len(source)
    if not isinstance(source, StreamSource):
        digest.update(source.labels.tobytes())
    return {"identities": source.num_classes, "images": images, "sha256": digest.hexdigest()}
