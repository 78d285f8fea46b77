"""From photos to faces, similarities and decisions, with one model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import DataError, ImageError
from facezoo.evaluation.statistics.threshold import Threshold, find_threshold
from facezoo.inference.gallery import Gallery, ModelRecord
from facezoo.inference.photo_embedder import NO_FACE, PhotoEmbedder, PhotoEmbeddings, photo_embedder
from facezoo.inference.stored_gallery import StoredGallery
from facezoo.interfaces.detector import Face
from facezoo.weights.pretrained import model_path


@dataclass(frozen=True)
class FaceEmbedding:
    """One face of a photo.

    Attributes:
        box: (4,) float32, x1, y1, x2, y2 in pixels of the upright photo; None for an aligned crop.
        landmarks: (5, 2) float32, x, y of eyes, nose and mouth corners, as seen from left to right; None for a crop.
        score: of the detector, 0..1; None for a crop.
        embedding: (E,) float32 of length 1.
    """

    box: np.ndarray | None
    landmarks: np.ndarray | None
    score: float | None
    embedding: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Two photos compared.

    Attributes:
        score: cosine similarity of the two most similar faces, -1..1.
        same: whether the score reaches the threshold; None if no threshold is known.
        threshold: the threshold and its meaning.
        pair: row of ``scores`` and column of ``scores`` of the two most similar faces.
        scores: (faces of the first photo, faces of the second) float32.
        a: faces and embeddings of the first photo.
        b: faces and embeddings of the second photo.
    """

    score: float
    same: bool | None
    threshold: Threshold
    pair: tuple[int, int]
    scores: np.ndarray
    a: PhotoEmbeddings
    b: PhotoEmbeddings


@dataclass(frozen=True)
class Identification:
    """One face searched in a gallery.

    Attributes:
        name: of the most similar person, if the similarity reaches the threshold; else None.
        candidates: (name, cosine similarity), the most similar first.
        threshold: the threshold and its meaning, for one comparison.
        face: the face; None for an aligned crop.
    """

    name: str | None
    candidates: list[tuple[str, float]]
    threshold: Threshold
    face: Face | None


class Recognizer:
    """A model with its detector and its threshold, for photos that are not aligned.

    Args:
        weights: a weight file, a name of the index of weights, or None for the default model of the index, which must
            be on this machine or accepted before: ``facezoo weights download NAME``.
        backend: "torch", "paddle", or "onnx" for an ONNX file; by default the installed one, "torch" where both are.
        face: "largest", "central" or "all": which faces of a photo count in ``compare`` and ``embed``.
        aligned: the photos are aligned crops; nothing is detected.
        threshold: cosine similarity from which faces match, -1..1; by default the calibration beside the weight file,
            else the threshold that came with the model.
        calibration: a calibration file.
        fmr: false match rate whose threshold is used; by default the lowest that is known.
        device: "auto", "cpu", "gpu" or "gpu:N".
        runtime: see :class:`facezoo.Embedder`.

    Attributes:
        weights: the weight file.
        threshold: the threshold and its meaning.
        photos: embeds many photos.

    Raises:
        DownloadError: the default model is not on this machine; the message states the command that gets it.
        CheckpointError: the weights are neither a file nor a name.
        ConfigError: the threshold is out of range.
    """

    def __init__(
        self, weights: str | Path | None = None, *, backend: str | None = None, face: str = "largest",
        aligned: bool = False, threshold: float | None = None, calibration: str | Path | None = None,
        fmr: float | None = None, device: str = "auto", runtime: str = "native",
    ) -> None:  # fmt: skip
        self.weights = model_path(weights, backend)
        self.threshold = find_threshold(
            self.weights, threshold=threshold, calibration=calibration, fmr=fmr,
            aligner="aligned" if aligned else "mtcnn",
        )  # fmt: skip
        self.photos = photo_embedder(
            self.weights, backend=backend, aligned=aligned, face=face, device=device, runtime=runtime
        )

    def faces(self, photo: Any) -> list[FaceEmbedding]:
        """All faces of a photo, largest first; an empty list if there is none.

        Args:
            photo: a path, a PIL image or a uint8 RGB array (H, W, 3).

        Raises:
            ImageError: it cannot be read.
        """
        found = PhotoEmbedder(self.photos.embedder, self.photos.detector, "all").embed([photo])
        for reason in found.skipped.values():
            if reason != NO_FACE:
                raise ImageError(reason)
        return [
            FaceEmbedding(None, None, None, embedding)
            if face is None
            else FaceEmbedding(face.box, face.landmarks, face.score, embedding)
            for face, embedding in zip(found.faces, found.embeddings, strict=True)
        ]

    def embed(self, photo: Any) -> np.ndarray:
        """The embedding (E,) of the chosen face of a photo, float32 of length 1.

        Raises:
            ImageError: it cannot be read.
            DataError: it shows no face.
        """
        return self.photos.embed_one(photo)

    def compare(self, a: Any, b: Any) -> Comparison:
        """Compare two photos; with ``face="all"`` their two most similar faces.

        Args:
            a: a path, a PIL image or a uint8 RGB array (H, W, 3).
            b: the same.

        Raises:
            ImageError: one cannot be read.
            DataError: one shows no face.
        """
        one, two = self.photos.embed_photo(a), self.photos.embed_photo(b)
        scores = one.embeddings @ two.embeddings.T
        row, column = divmod(int(np.argmax(scores)), scores.shape[1])
        score = float(scores[row, column])
        return Comparison(score, self.threshold.decide(score), self.threshold, (row, column), scores, one, two)

    def identify(self, photo: Any, gallery: str | Path | Gallery | StoredGallery, top: int = 5) -> list[Identification]:
        """Search the faces of a photo in a gallery.

        Args:
            photo: a path, a PIL image or a uint8 RGB array (H, W, 3).
            gallery: a gallery, a folder of ``facezoo gallery create``, or a file of ``facezoo embed``.
            top: number of candidates, 1 or more.

        Returns:
            one for the chosen face, or with ``face="all"`` one for each, the largest face first.

        Raises:
            ImageError: the photo cannot be read.
            DataError: it shows no face, or the gallery is empty, unreadable or of another model.
        """
        if isinstance(gallery, str | Path):
            place = Path(gallery)
            gallery = Gallery.load(place) if place.is_file() else StoredGallery(place)
        gallery.check_model(ModelRecord.of(self.weights, self.photos.embedder))
        found = self.photos.embed_photo(photo)
        if isinstance(gallery, StoredGallery):
            answers = gallery.search(found.embeddings, top)
        else:
            answers = [gallery.search(embedding, top) for embedding in found.embeddings]
        if not answers[0]:
            raise DataError("the gallery is empty; to add persons: facezoo gallery add")
        return [
            Identification(ranked[0][0] if self.threshold.decide(ranked[0][1]) else None, ranked, self.threshold, face)
            for ranked, face in zip(answers, found.faces, strict=True)
        ]
