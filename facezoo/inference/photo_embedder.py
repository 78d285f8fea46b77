"""Unit embeddings of photos: detect, choose, align with the template of the model, embed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.align.choose import check_rule
from facezoo.align.crop import align_face
from facezoo.align.detect_faces import detect_faces
from facezoo.align.shrunk import ShrunkDetector
from facezoo.align.templates import get_template
from facezoo.backends import ONNX
from facezoo.data.image import read_image
from facezoo.errors import DataError, ImageError
from facezoo.inference.embedder import Embedder
from facezoo.interfaces.detector import Detector, Face
from facezoo.io.progress import OnProgress, ignore_progress

NO_FACE = "no face found"


@dataclass(frozen=True)
class PhotoEmbeddings:
    """Embeddings of the photos in which a face was found.

    Attributes:
        paths: of these photos, (N,); with every face embedded, a path is repeated for each of its faces.
        embeddings: float32 (N, E), each row of length 1.
        faces: the embedded face of each photo; None for aligned crops.
        skipped: path -> reason, for photos without an embedding.
        found: number of faces found in each of these photos, (N,); 1 for aligned crops.
    """

    paths: list[str]
    embeddings: np.ndarray
    faces: list[Face | None]
    skipped: dict[str, str]
    found: list[int] = field(default_factory=list)


class PhotoEmbedder:
    """An embedder for photos that are not aligned.

    Args:
        embedder: the model; its preprocessing defines the template and the size of the crops.
        detector: finds the faces; with None, the photos are crops that are aligned already.
        face: "largest", "central" or "all": which faces are embedded if there are several; "all", largest first. Except
            for "all", a photo of more than 4 million pixels is searched at that size.

    Raises:
        UnknownNameError: ``face`` is something else.
    """

    def __init__(self, embedder: Embedder, detector: Detector | None, face: str = "largest") -> None:
        check_rule(face)
        self.embedder, self.detector, self.face = embedder, detector, face

    def embed(self, photos: Iterable[Any], on_progress: OnProgress = ignore_progress) -> PhotoEmbeddings:
        """Embed photos. Those that cannot be read or show no face are skipped and listed.

        Args:
            photos: paths, PIL images or uint8 RGB arrays (H, W, 3); one without a path is called "photo 0" by its
                place. Files are decoded in groups of bounded size: see
                :func:`facezoo.align.detect_faces.detect_faces`.
            on_progress: called with the number of photos embedded or skipped, and their total.
        """
        items = [(name_of_photo(photo, place), photo) for place, photo in enumerate(photos)]
        result = PhotoEmbeddings([], np.zeros((0, self.embedder.embedding_size), np.float32), [], {})
        crops = self._crops(items, result, on_progress)
        first = next(crops, None)
        if first is None:
            return result
        return replace(result, embeddings=self.embedder.embed(chain([first], crops)))

    def embed_one(self, photo: Any) -> np.ndarray:
        """The embedding (E,) of one photo; of its first face with ``face="all"``.

        Raises:
            ImageError: it cannot be read.
            DataError: it shows no face.
        """
        return self.embed_photo(photo).embeddings[0]

    def embed_photo(self, photo: Any) -> PhotoEmbeddings:
        """The embeddings of one photo: one, or one per face with ``face="all"``.

        Raises:
            ImageError: it cannot be read.
            DataError: it shows no face.
        """
        result = self.embed([photo])
        if not result.paths:
            name, reason = next(iter(result.skipped.items()))
            raise DataError(f"{name}: {reason}") if reason == NO_FACE else ImageError(reason)
        return result

    def _crops(
        self, items: Sequence[tuple[str, Any]], result: PhotoEmbeddings, on_progress: OnProgress
    ) -> Iterator[np.ndarray]:
        """The crops to embed; enters their paths and faces, and the photos that are skipped, in the result."""
        photos, done = self._photos(items, result.skipped), 0
        for pixels, path, face, found in self._faces(photos, result.skipped):
            result.paths.append(path)
            result.found.append(found)
            result.faces.append(face)
            yield pixels
            done += len(result.paths) < 2 or path != result.paths[-2]
            on_progress(done + len(result.skipped), len(items))

    def _photos(self, items: Sequence[tuple[str, Any]], skipped: dict[str, str]) -> Iterator[tuple[str, np.ndarray]]:
        for name, photo in items:
            try:
                pixels = read_image(photo, name=name)
            except ImageError as error:
                skipped[name] = str(error)
            else:
                yield name, pixels

    def _faces(
        self, photos: Iterator[tuple[str, np.ndarray]], skipped: dict[str, str]
    ) -> Iterator[tuple[np.ndarray, str, Face | None, int]]:
        if self.detector is None:
            yield from ((pixels, name, None, 1) for name, pixels in photos)
            return
        size = self.embedder.preprocess.size
        template = get_template(self.embedder.preprocess.template).resized(size)
        detector = self.detector if self.face == "all" else ShrunkDetector(self.detector)
        for photo in detect_faces(photos, detector, self.face):
            for face in photo.chosen:
                yield align_face(photo.pixels, face.landmarks, template), photo.key, face, photo.count
            if not photo.chosen:
                skipped[photo.key] = NO_FACE


def name_of_photo(photo: Any, place: int) -> str:
    """Its path, or "photo 0" by its place.

    >>> name_of_photo(Path("a.jpg"), 3), name_of_photo(np.zeros((2, 2, 3)), 3)
    ('a.jpg', 'photo 3')
    """
    return str(photo) if isinstance(photo, str | Path) else f"photo {place}"


def photo_embedder(
    weights: str | Path | None = None, *, backend: str | None = None, aligned: bool = False, face: str = "largest",
    **options: Any,
) -> PhotoEmbedder:  # fmt: skip
    """A photo embedder from a weight file, with MTCNN on the same backend.

    Args:
        weights: a weight file, a name of the index, or None for the default model of the index.
        backend: "torch", "paddle", or "onnx" for an ONNX file, whose faces an installed framework detects; by default
            the installed one, "torch" where both are.
        aligned: the photos are aligned crops; no detector is used.
        face: see :class:`PhotoEmbedder`.
        options: options of :class:`facezoo.Embedder`.
    """
    from facezoo.align.create import create_detector

    framework = None if backend == ONNX else backend
    embedder = Embedder(weights, backend=backend, **options)
    return PhotoEmbedder(
        embedder, None if aligned else create_detector("mtcnn", backend=framework, whole_pixels=False), face
    )
