"""A fingerprint of the training data, compared when a run is resumed."""

from __future__ import annotations

import hashlib
from typing import Any

from facezoo.data.sources.source import Source, StreamSource
from facezoo.errors import CheckpointError


def fingerprint(source: Source | StreamSource) -> dict[str, Any]:
    """Identities, images, and a hash of the identities' names and of every image's label; no path is in it."""
    digest = hashlib.sha256("\0".join(source.class_names).encode("utf-8", "surrogateescape"))
    images = source.length if isinstance(source, StreamSource) else len(source)
    if not isinstance(source, StreamSource):
        digest.update(source.labels.tobytes())
    return {"identities": source.num_classes, "images": images, "sha256": digest.hexdigest()}


def check_fingerprint(stored: dict[str, Any], source: Source | StreamSource) -> None:
    """Refuse to resume on other data, where every label would mean another person.

    Raises:
        CheckpointError: names, labels or counts differ from those of the run.
    """
    found = fingerprint(source)
    if not stored or stored == found:  # version 0.1 stored none
        return
    raise CheckpointError(
        f"the training data have changed since the run began: {stored.get('identities')} identities with "
        f"{stored.get('images')} images then, {found['identities']} with {found['images']} now, or other names; "
        "a resumed run needs the same identities and images"
    )
