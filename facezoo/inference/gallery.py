"""Embeddings of photos on disk, and galleries made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.data.sources.folder import is_image_name
from facezoo.errors import DataError, FacezooError
from facezoo.inference.photo_embedder import PhotoEmbeddings
from facezoo.io.files import atomic_write
from facezoo.io.numpy_files import read_npz


def photos_below(paths: Iterable[Path]) -> list[Path]:
    """The photos named, and those below the folders named, in order of path; hidden ones are left out.

    Raises:
        DataError: a path is missing, or a folder holds no photo.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                photo
                for photo in path.rglob("*")
                if is_image_name(photo.name) and not any(part.startswith(".") for part in photo.relative_to(path).parts)
            )
            if not inside:
                raise DataError(f"{path}: holds no photo")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path}: no such photo or folder")
    return found


def write_embeddings(path: Path, result: PhotoEmbeddings) -> None:
    """Write ``embeddings (N, E)``, ``paths``, ``labels`` (the photo's folder) and what was detected, as .npz."""
    empty = np.full((1, 15), np.nan, np.float32)
    found = [
        empty if face is None else np.concatenate([face.box, face.landmarks.ravel(), [face.score]])[None]
        for face in result.faces
    ]
    table = np.concatenate(found).astype(np.float32)  # (N, 15)
    with atomic_write(path) as part, part.open("wb") as stream:
        np.savez(
            stream,
            embeddings=result.embeddings,
            paths=np.array(result.paths),
            labels=np.array([Path(photo).parent.name for photo in result.paths]),
            boxes=table[:, :4],
            landmarks=table[:, 4:14].reshape(-1, 5, 2),
            scores=table[:, 14],
        )


@dataclass(frozen=True)
class Gallery:
    """One unit template per person: the mean of their unit embeddings, normalised.

    Attributes:
        names: of the persons, in order.
        templates: float32 (P, E).
        photos: how many photos each template is made of, (P,).
    """

    names: list[str]
    templates: np.ndarray
    photos: np.ndarray

    @classmethod
    def from_embeddings(cls, embeddings: np.ndarray, labels: Iterable[str]) -> Gallery:
        """Group unit embeddings (N, E) by label."""
        names, owner, counts = np.unique(np.array(list(labels)), return_inverse=True, return_counts=True)
        sums = np.zeros((len(names), embeddings.shape[1]))
        np.add.at(sums, owner, embeddings)
        unit = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-12)
        return cls([str(name) for name in names], unit.astype(np.float32), counts)

    @classmethod
    def load(cls, path: Path) -> Gallery:
        """From a file that :func:`write_embeddings` wrote.

        Raises:
            DataError: it is missing or something else.
        """
        try:
            file = read_npz(path)
            return cls.from_embeddings(file["embeddings"], file["labels"].tolist())
        except (FacezooError, ValueError, IndexError, KeyError) as error:
            raise DataError(f"{path}: not a file of embeddings ({error})") from error

    def search(self, embedding: np.ndarray, top: int) -> list[tuple[str, float]]:
        """The ``top`` most similar persons to a unit embedding (E,), with their cosine similarity.

        Raises:
            DataError: the embedding has another length than the gallery's.
        """
        if embedding.shape[0] != self.templates.shape[1]:
            raise DataError(
                f"the gallery holds embeddings of {self.templates.shape[1]} values, the model gives "
                f"{embedding.shape[0]}; they must come from one weight file"
            )
        scores = self.templates @ embedding  # (P,)
        order = np.argsort(-scores, kind="stable")[:top]
        return [(self.names[index], float(scores[index])) for index in order]
