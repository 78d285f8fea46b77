"""From photos, or a file of ``facezoo embed``, to embeddings with names: used by ``gallery create`` and ``add``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facezoo.inference.gallery import ModelRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Enrolled:
    """Embeddings with names.

    Attributes:
        names: of the persons (N,).
        embeddings: float32 (N, E).
        model: what made them; None if a file does not say.
        skipped: path -> reason, for photos without an embedding.
    """

    names: list[str]
    embeddings: np.ndarray
    model: ModelRecord | None
    skipped: dict[str, str] = field(default_factory=dict)


def read_enrolled(
    paths: Sequence[Path], weights: Path | None, *, backend: str, face: str, aligned: bool, device: str
) -> Enrolled:
    """Embed photos and folders, named as ``facezoo embed`` names them; or read one .npz of ``facezoo embed``.

    Raises:
        DataError: a path is missing, or no photo gave an embedding.
    """
    from facezoo.errors import DataError
    from facezoo.inference.gallery import photos_below, read_labelled

    if len(paths) == 1 and paths[0].suffix == ".npz":
        embeddings, names, model = read_labelled(paths[0])
        return Enrolled(names, embeddings, model)

    from facezoo.cli.model import chosen_weights
    from facezoo.inference.photo_embedder import photo_embedder
    from facezoo.io.progress import progress_bar

    photos = photos_below(paths)
    weights = chosen_weights(weights, backend)
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device)
    with progress_bar("embedding", "photos", len(photos)) as on_progress:
        result = embedder.embed(photos, on_progress)
    for path, reason in result.skipped.items():
        logger.warning("skipped %s", reason if path in reason else f"{path}: {reason}")
    if not result.paths:
        raise DataError(f"none of {len(photos)} photos gave an embedding; the first: {next(iter(result.skipped))}")
    names = [photos[Path(path)] for path in result.paths]
    return Enrolled(names, result.embeddings, ModelRecord.of(weights, embedder.embedder), result.skipped)
