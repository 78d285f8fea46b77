"""Embeddings of photos on disk, and galleries of persons."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.checkpoints.graphs.model import OnnxModel
from facezoo.checkpoints.graphs.read import is_onnx
from facezoo.checkpoints.weights import content_hash, read_weights
from facezoo.data.identity import identity_of
from facezoo.data.sources.folder import is_image_name
from facezoo.download.urls import local_path
from facezoo.errors import DataError, FacezooError, ShapeError
from facezoo.inference.embedder import Embedder
from facezoo.inference.embeddings import check_embeddings
from facezoo.inference.photo_embedder import PhotoEmbeddings
from facezoo.io.files import atomic_write
from facezoo.io.numpy_files import read_npz


def photos_below(paths: Sequence[Path]) -> dict[Path, str]:
    """The given photos, and those below the given folders in order of path, each with its identity.

    The identity is the first folder below the given one. For a photo directly in it, or given itself, it is the first
    folder below the one that all given paths share, as with ``people/*``; without such a folder, the name of the
    photo. Hidden files are left out.

    Raises:
        DataError: a path is missing, or a folder holds no photo.
    """
    found: dict[Path, str] = {}
    paths = [local_path(path) for path in paths]
    full = [Path(os.path.abspath(path)) for path in paths]
    shared = os.path.commonpath([path if path.is_dir() else path.parent for path in full])
    for path in paths:
        if path.is_dir():
            inside = sorted(
                photo
                for photo in path.rglob("*")
                if is_image_name(photo.name) and not any(part.startswith(".") for part in photo.relative_to(path).parts)
            )
            if not inside:
                raise DataError(f"{path}: the folder holds no photo")
            for photo in inside:
                below = photo.relative_to(path)
                found[photo] = identity_of(os.path.relpath(photo, shared) if len(below.parts) == 1 else below)
        elif path.exists():
            found[path] = identity_of(os.path.relpath(path, shared))
        else:
            raise DataError(f"{path}: no such photo or folder")
    return found


def write_embeddings(path: Path, result: PhotoEmbeddings, labels: Sequence[str], model: ModelRecord) -> None:
    """Write an .npz of ``embeddings`` (N, E), ``paths``, ``labels``, ``boxes``, ``landmarks``, ``scores``.

    Args:
        path: the file.
        result: the embeddings.
        labels: the identity of each photo (N,).
        model: what made the embeddings; entered as well.
    """
    empty = np.full((1, 15), np.nan, np.float32)
    found = [
        empty if face is None else np.concatenate([face.box, face.landmarks.ravel(), [face.score]])[None]
        for face in result.faces
    ]
    table = np.concatenate(found).astype(np.float32)  # (N, 15)
    arrays: dict[str, Any] = {
        "embeddings": result.embeddings,
        "paths": np.array(result.paths),
        "labels": np.array(labels),
        "boxes": table[:, :4],
        "landmarks": table[:, 4:14].reshape(-1, 5, 2),
        "scores": table[:, 14],
        **model.arrays(),
    }
    with atomic_write(path) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)


def read_labelled(path: Path) -> tuple[np.ndarray, list[str], ModelRecord | None]:
    """Embeddings (N, E), the identity of each, and the model, from a file of :func:`write_embeddings`.

    Raises:
        DataError: the file is missing, or is not such a file.
    """
    try:
        file = read_npz(path)
        return file["embeddings"], [str(label) for label in file["labels"].tolist()], ModelRecord.from_arrays(file)
    except (FacezooError, ValueError, IndexError, KeyError) as error:
        raise DataError(f"{path}: not a file of embeddings ({error})") from error


@dataclass(frozen=True)
class ModelRecord:
    """What makes embeddings comparable: two embeddings compare only if these are equal.

    Attributes:
        weights_sha256: hash of the weight file's tensors and preprocessing.
        flip: use of the mirrored image: "sum" or "none".
        template: alignment template of the crops.
    """

    weights_sha256: str
    flip: str
    template: str

    @classmethod
    def of(cls, weights: Path, embedder: Embedder) -> ModelRecord:
        """The record of a weight file and its embedder."""
        return cls(content_hash(weights), "sum" if embedder.flip else "none", embedder.preprocess.template)

    @classmethod
    def read(cls, weights: Path) -> ModelRecord:
        """The record of a weight file and the embedder that :func:`photo_embedder` makes of it.

        Raises:
            CheckpointError: the file cannot be read.
        """
        rules = OnnxModel(weights).preprocess if is_onnx(weights) else read_weights(weights).spec.preprocess
        return cls(content_hash(weights), "sum", rules.template)

    def arrays(self) -> dict[str, np.ndarray]:
        """As 0-dimensional arrays for an .npz."""
        return {f"model_{name}": np.array(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ModelRecord | None:
        """The record in an .npz; None if there is none."""
        names = [field.name for field in fields(cls)]
        if not all(f"model_{name}" in arrays for name in names):
            return None
        return cls(**{name: str(arrays[f"model_{name}"]) for name in names})


def check_same_model(then: ModelRecord | None, now: ModelRecord) -> str | None:
    """A sentence for the user if a gallery does not record its model; None if it is the same model.

    Raises:
        DataError: the gallery was made by another model.
    """
    if then is None:
        return "the gallery does not record its model; scores mean something only with the one that made it"
    recorded, given = asdict(then), asdict(now)
    for name in recorded:
        if recorded[name] != given[name]:
            raise DataError(
                f"the gallery was made with {name} {recorded[name][:16]}, the model has {given[name][:16]}; "
                "use the weight file that made the gallery, or make it again"
            )
    return None


@dataclass(frozen=True)
class Gallery:
    """One unit template per person: the mean of their unit embeddings, normalised.

    Attributes:
        names: of the P persons, sorted.
        templates: float32 (P, E), each row of length 1.
        photos: number of photos per template, (P,).
        model: what made the embeddings; None if the file does not say.
    """

    names: list[str]
    templates: np.ndarray
    photos: np.ndarray
    model: ModelRecord | None = None

    @classmethod
    def from_embeddings(
        cls, embeddings: np.ndarray, labels: Iterable[str], model: ModelRecord | None = None
    ) -> Gallery:
        """The gallery of unit embeddings (N, E) with one label each.

        Raises:
            ShapeError: not one label per embedding.
            NumericalError: an embedding holds NaN or infinity, or is all zeros.
        """
        embeddings, given = check_embeddings(embeddings, what="gallery"), np.array(list(labels))
        if given.shape != (len(embeddings),):
            raise ShapeError(f"labels have shape {given.shape}; expected ({len(embeddings)},), one per embedding")
        names, owner, counts = np.unique(given, return_inverse=True, return_counts=True)
        sums = np.zeros((len(names), embeddings.shape[1]))
        np.add.at(sums, owner, embeddings)
        unit = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-12)
        return cls([str(name) for name in names], unit.astype(np.float32), counts, model)

    @classmethod
    def load(cls, path: Path) -> Gallery:
        """The gallery of a file of :func:`write_embeddings`.

        Raises:
            DataError: the file is missing, or is not such a file.
        """
        try:
            return cls.from_embeddings(*read_labelled(path))
        except (FacezooError, ValueError) as error:
            raise error if isinstance(error, DataError) else DataError(f"{path}: {error}") from error

    def check_model(self, now: ModelRecord) -> str | None:
        """A sentence for the user if the gallery does not record its model; None if it is the same model.

        Raises:
            DataError: the gallery was made by another model.
        """
        return check_same_model(self.model, now)

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
