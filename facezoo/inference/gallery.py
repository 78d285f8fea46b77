"""Embeddings of photos on disk, and galleries of persons."""

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
    """The given photos, and those below the given folders in order of path; hidden ones are left out.

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
                raise DataError(f"{path}: the folder holds no photo")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path}: no such photo or folder")
    return found


def write_embeddings(path: Path, result: PhotoEmbeddings) -> None:
    """Write an .npz of ``embeddings`` (N, E), ``paths``, ``labels`` (folders), ``boxes``, ``landmarks``, ``scores``."""
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
        names: of the P persons, sorted.
        templates: float32 (P, E), each row of length 1.
        photos: number of photos per template, (P,).
    """

    names: list[str]
    templates: np.ndarray
    photos: np.ndarray

    @classmethod
    def from_embeddings(cls, embeddings: np.ndarray, labels: Iterable[str]) -> Gallery:
        """The gallery of unit embeddings (N, E) with one label each."""
        names, owner, counts = np.unique(np.array(list(labels)), return_inverse=True, return_counts=True)
        sums = np.zeros((len(names), embeddings.shape[1]))
        np.add.at(sums, owner, embeddings)
        unit = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-12)
        return cls([str(name) for name in names], unit.astype(np.float32), counts)

    @classmethod
    def load(cls, path: Path) -> Gallery:
        """The gallery of a file of :func:`write_embeddings`.

        Raises:
            DataError: the file is missing, or is not such a file.
        """
        try:
            file = read_npz(path)
            return cls.from_embeddings(file["embeddings"], file["labels"].tolist())
        except (FacezooError, ValueError, IndexError, KeyError) as error:
            raise DataError(f"{path}: not a file of embeddings ({error})") from error

    def search(self, embedding: np.ndarray, top: int) -> list[tuple[str, float]]:
        """The ``top`` most similar persons to a unit embedding (E,), with their cosine similarity.

        Raises:
            DataError: the length of the embedding differs from that of the gallery.
        """
        if embedding.shape[0] != self.templates.shape[1]:
            raise DataError(
                f"the gallery has embedding size {self.templates.shape[1]}, the model "
                f"{embedding.shape[0]}; use the weight file that made the gallery"
            )
        scores = self.templates @ embedding  # (P,)
        order = np.argsort(-scores, kind="stable")[:top]
        return [(self.names[index], float(scores[index])) for index in order]
