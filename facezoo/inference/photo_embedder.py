"""From photos to unit embeddings: detect, choose, align as the weight file says, embed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.align.choose import choose
from facezoo.align.crop import align_face
from facezoo.align.templates import get_template
from facezoo.data.image import read_image
from facezoo.errors import DataError, ImageError
from facezoo.inference.embedder import Embedder
from facezoo.interfaces.detector import Detector, Face

NO_FACE = "no face found"
_GROUP = 32  # photos detected and embedded at once


@dataclass(frozen=True)
class PhotoEmbeddings:
    """Embeddings of the photos that had a face.

    Attributes:
        paths: of these photos, (N,).
        embeddings: float32 (N, E), each row of length 1.
        faces: the face that was embedded, None for crops that came aligned.
        skipped: path -> why there is no embedding, for the others.
    """

    paths: list[str]
    embeddings: np.ndarray
    faces: list[Face | None]
    skipped: dict[str, str]


class PhotoEmbedder:
    """An embedder for photos as they come.

    Args:
        embedder: the model; its preprocessing names the template and the size of the crops.
        detector: finds the faces; None takes photos for crops that are aligned already.
        face: "largest" or "central", when there are several.
    """

    def __init__(self, embedder: Embedder, detector: Detector | None, face: str = "largest") -> None:
        self.embedder, self.detector, self.face = embedder, detector, face
        size = embedder.preprocess.size
        self._frame = None if detector is None else get_template(embedder.preprocess.template).resized(size)

    def embed(self, paths: Iterable[str | Path]) -> PhotoEmbeddings:
        """Embed photos; those that cannot be read or show no face are skipped and listed."""
        names = [str(path) for path in paths]
        done: list[str] = []
        faces: list[Face | None] = []
        parts: list[np.ndarray] = []
        skipped: dict[str, str] = {}
        for low in range(0, len(names), _GROUP):
            found = self._crops(names[low : low + _GROUP], skipped)
            if found:
                done += [name for name, _, _ in found]
                faces += [face for _, _, face in found]
                parts.append(self.embedder.embed([crop for _, crop, _ in found]))
        rows = np.concatenate(parts) if parts else np.zeros((0, self.embedder.embedding_size), np.float32)
        return PhotoEmbeddings(done, rows, faces, skipped)

    def embed_one(self, path: str | Path) -> np.ndarray:
        """The embedding (E,) of one photo.

        Raises:
            ImageError: it cannot be read.
            DataError: it shows no face.
        """
        result = self.embed([path])
        if not result.paths:
            reason = result.skipped[str(path)]
            raise DataError(f"{path}: {reason}") if reason == NO_FACE else ImageError(reason)
        return result.embeddings[0]

    def _crops(self, names: Sequence[str], skipped: dict[str, str]) -> list[tuple[str, np.ndarray, Face | None]]:
        images = {}
        for name in names:
            try:
                images[name] = read_image(name)
            except ImageError as error:
                skipped[name] = str(error)
        if self.detector is None:
            return [(name, image, None) for name, image in images.items()]
        crops: list[tuple[str, np.ndarray, Face | None]] = []
        detected = self.detector.detect_batch(list(images.values())) if images else []
        for (name, image), found in zip(images.items(), detected, strict=True):
            kept = choose(found, self.face, *image.shape[:2])
            if not kept:
                skipped[name] = NO_FACE
                continue
            assert self._frame is not None
            crops.append((name, align_face(image, kept[0].landmarks, self._frame), kept[0]))
        return crops


def photo_embedder(
    weights: str | Path, *, backend: str, aligned: bool = False, face: str = "largest", **options: Any
) -> PhotoEmbedder:
    """A photo embedder from a weight file, with MTCNN on the same backend.

    Args:
        weights: a weight file.
        backend: "torch" or "paddle".
        aligned: photos are crops already; no detector is made.
        face: see :class:`PhotoEmbedder`.
        options: of :class:`facezoo.Embedder`.
    """
    from facezoo.align.create import create_detector

    embedder = Embedder(weights, backend=backend, **options)
    return PhotoEmbedder(
        embedder, None if aligned else create_detector("mtcnn", backend=backend, whole_pixels=False), face
    )
