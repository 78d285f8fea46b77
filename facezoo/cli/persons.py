"""The persons that ``facezoo identify`` searches: a stored gallery, a file of embeddings, or a folder of photos."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from facezoo.inference.gallery import Gallery, ModelRecord
    from facezoo.inference.photo_embedder import PhotoEmbedder

logger = logging.getLogger(__name__)

Search = Callable[[np.ndarray, int], list[list[tuple[str, float]]]]  # unit embeddings (Q, E), number of candidates


def open_persons(path: Path, weights: Path, embedder: PhotoEmbedder, *, exact: bool, keep: bool) -> Search:
    """The search in the persons of a path.

    Args:
        path: a gallery folder, an .npz of ``facezoo embed``, or a folder of photos.
        weights: the weight file of the embedder; persons of another one are refused.
        embedder: embeds the photos of a folder.
        exact: do not use the index of a gallery.
        keep: keep the embeddings of a folder of photos in the cache folder.

    Raises:
        DataError: the path is missing, of another model, or shows no face.
    """
    from facezoo.errors import DataError
    from facezoo.inference.gallery import Gallery, ModelRecord
    from facezoo.inference.stored_gallery import StoredGallery, is_gallery

    now = ModelRecord.of(weights, embedder.embedder)
    if is_gallery(path):
        stored = StoredGallery(path)
        _warn(path, stored.check_model(now))
        if len(stored) == 0:
            raise DataError(f"{path}: the gallery is empty; to add persons: facezoo gallery add {path} PHOTOS")
        return lambda queries, top: stored.search(queries, top, exact=exact)
    if path.is_file():
        persons = Gallery.load(path)
        _warn(path, persons.check_model(now))
    else:
        persons = _of_folder(path, now, embedder, keep)
    return lambda queries, top: [persons.search(query, top) for query in queries]


def _warn(path: Path, warning: str | None) -> None:
    if warning is not None:
        logger.warning("%s: %s", path, warning)


def _of_folder(path: Path, model: ModelRecord, embedder: PhotoEmbedder, keep: bool) -> Gallery:
    import tempfile

    from facezoo.errors import DataError
    from facezoo.inference.folder_cache import cache_file, embed_folder
    from facezoo.inference.gallery import Gallery, photos_below
    from facezoo.inference.photo_embedder import PhotoEmbedder
    from facezoo.io.progress import progress_bar

    photos = photos_below([path])
    one_face = PhotoEmbedder(
        embedder.embedder, embedder.detector, "largest" if embedder.face == "all" else embedder.face
    )
    with tempfile.TemporaryDirectory() as nowhere, progress_bar("embedding", "photos", len(photos)) as on_progress:
        file = cache_file(path, model, one_face) if keep else Path(nowhere) / "e.npz"
        found, embeddings, skipped, embedded = embed_folder(list(photos), one_face, file, on_progress)
    if embedded and keep:
        logger.info("%d photos embedded and kept in %s; --no-cache keeps none", embedded, file)
    for name, reason in skipped.items():
        logger.warning("skipped %s", reason if name in reason else f"{name}: {reason}")
    if not found:
        raise DataError(f"{path}: no photo of the gallery shows a face")
    return Gallery.from_embeddings(embeddings, [photos[photo] for photo in found])
