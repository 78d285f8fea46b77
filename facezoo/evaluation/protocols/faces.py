"""Embedding the images that a protocol needs, with a model: a folder, a ``.bin``, or official list files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Shape

import numpy as np

from facezoo.align.crop import central_crop
from facezoo.align.templates import Template, get_template
from facezoo.errors import DataError, ProtocolError
from facezoo.evaluation.inputs.detect import detect_landmarks
from facezoo.evaluation.inputs.folder import FaceFolder, by_extension, find_root, read_landmarks, require_images
from facezoo.evaluation.inputs.ijb import read_landmark_scores, read_template_list
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import PairsTask, Protocol, RejectTask, TemplateSearchTask, TemplatesTask
from facezoo.evaluation.protocols.tasks_pairs import read_task_pairs
from facezoo.evaluation.protocols.tasks_templates import file_sha256
from facezoo.inference.embed import embed_images
from facezoo.interfaces.detector import Detector
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.specs.preprocess import Preprocess

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


class Model(Shape):
    """What embeds: :class:`facezoo.Embedder` is one."""

    preprocess: Preprocess

    def raw(self, images: np.ndarray) -> np.ndarray:
        """(n, E) of uint8 RGB crops (n, H, W, 3)."""


@dataclass(frozen=True)
class Faces:
    """The images of a protocol, ready to embed.

    Attributes:
        names: of the images; for a ``.bin`` "0", "1", ...
        crops: uint8 RGB crops in the same order, read when iterated.
        crop: one crop by name, for pictures.
        same: for a ``.bin``, which pairs are genuine.
        inputs: hashes and settings for the report.
        without_landmarks: names cut from the middle, filled while reading.
    """

    names: list[str]
    crops: Iterable[np.ndarray]
    crop: Callable[[str], np.ndarray]
    same: np.ndarray | None
    inputs: dict[str, Any]
    without_landmarks: list[str]


def _template(preprocess: Preprocess) -> Template:
    """The model's template, in the size that the model takes."""
    template = get_template(preprocess.template)
    return template if template.size == preprocess.size else template.resized(preprocess.size)


def find_faces(
    protocol: Protocol,
    data: str | Path,
    preprocess: Preprocess,
    *,
    lists: str | Path | None = None,
    landmarks: str | Path | None = None,
    detector: Detector | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Faces:
    """Everything a protocol needs, checked to be there before anything is computed.

    Args:
        protocol: says which lists and how faces are aligned.
        data: folder of images, or a ``.bin``.
        preprocess: the model's: the template and size of its crops.
        lists: folder of list files; by default ``data``.
        landmarks: table of landmarks; by default ``landmarks.csv`` beside the lists.
        detector: finds the landmarks, instead of a table.
        on_progress: called with the number of photos that went through the detector, and their total.

    Raises:
        DataError: a folder, list or image is missing.
        ProtocolError: the protocol aligns by landmarks and there are none.
    """
    place = Path(data)
    if place.is_file():
        if detector is not None:
            raise ProtocolError(f"{str(place)!r} holds crops that are aligned already; a detector is for photos")
        return _bin_faces(protocol, place, preprocess)
    if not place.is_dir():
        raise DataError(f"no folder or .bin {str(place)!r}; expected the images of protocol {protocol.name}")
    folder = Path(lists) if lists is not None else place
    names = _listed(protocol, folder) or _every_image(place)
    root = find_root(place, names)
    rename = by_extension(root, names)
    files = [rename(name) for name in names]
    require_images(root, files)
    table: dict[str, np.ndarray] | None
    if detector is not None:
        table, digest = detect_landmarks(root, files, detector, on_progress), None
    else:
        points = _landmarks(protocol, folder, landmarks, dict(zip(names, files, strict=True)))
        table, digest = points if points else (None, None)
    faces = FaceFolder(root, files, table, _template(preprocess), preprocess.size)
    file_of = dict(zip(names, files, strict=True))
    inputs = {
        "images": len(names),
        "aligner": detector.name if detector is not None else "landmarks" if table is not None else "aligned",
        "template": preprocess.template,
        **({"landmarks_sha256": digest} if digest else {}),
    }
    return Faces(names, faces, lambda name: faces.crop(file_of[name]), None, inputs, faces.without_landmarks)


def _listed(protocol: Protocol, lists: Path) -> list[str]:
    """Names that the protocol's lists hold; none when it takes every image."""
    names: dict[str, None] = {}
    for task in protocol.tasks:
        if isinstance(task, PairsTask | RejectTask):
            names.update(dict.fromkeys(read_task_pairs(task, lists).images()))
        elif isinstance(task, TemplatesTask | TemplateSearchTask):
            names.update(dict.fromkeys(read_template_list(lists / task.images).images))
    return list(names)


def _every_image(root: Path) -> list[str]:
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGE_ENDINGS)
    if not found:
        raise DataError(f"no images in {str(root)!r}; expected {', '.join(sorted(IMAGE_ENDINGS))}")
    return [path.relative_to(root).as_posix() for path in found]


def _landmarks(
    protocol: Protocol, lists: Path, given: str | Path | None, files: dict[str, str]
) -> tuple[dict[str, np.ndarray], str] | None:
    """Landmarks by file name and the table's hash; None when the files are crops already."""
    if protocol.embedding.aligner == "aligned" and given is None:
        return None
    for task in protocol.tasks:
        if isinstance(task, TemplatesTask | TemplateSearchTask) and task.landmarks and given is None:
            names, points, _ = read_landmark_scores(lists / task.landmarks)
            return dict(zip(names, points, strict=True)), file_sha256(lists / task.landmarks)
    path = Path(given) if given is not None else lists / "landmarks.csv"
    if given is None and not path.is_file():
        raise ProtocolError(
            f"protocol {protocol.name} aligns faces by landmarks; give --landmarks CSV (no {str(path)!r}), "
            "or --detector mtcnn, or a .bin of aligned crops as --data"
        )
    table = read_landmarks(path)
    known = {files.get(name, name): points for name, points in table.items()}
    if not any(file in known for file in files.values()):
        raise ProtocolError(f"{path} holds no landmarks of any of the {len(files)} images")
    return known, file_sha256(path)


def _bin_faces(protocol: Protocol, path: Path, preprocess: Preprocess) -> Faces:
    from facezoo.data.sources.verification_bin import read_verification_bin

    if len(protocol.tasks) != 1 or not isinstance(protocol.tasks[0], PairsTask):
        raise ProtocolError(f"protocol {protocol.name} is not one list of pairs; a .bin holds nothing else")
    stored = read_verification_bin(path)

    def crop(name: str) -> np.ndarray:
        return central_crop(stored.image(int(name)), preprocess.size)

    names = [str(index) for index in range(2 * len(stored))]
    inputs = {"images": len(names), "aligner": "aligned", "bin_sha256": file_sha256(path)}
    return Faces(names, _Lazy(names, crop), crop, stored.same, inputs, [])


@dataclass(frozen=True)
class _Lazy:
    names: Sequence[str]
    crop: Callable[[str], np.ndarray]

    def __iter__(self) -> Any:
        return (self.crop(name) for name in self.names)


def embed_faces(
    faces: Faces,
    model: Model,
    protocol: Protocol,
    *,
    batch_size: int = 64,
    on_progress: OnProgress = ignore_progress,
) -> EmbeddingSet:
    """Embeddings of a protocol's images: raw, fused with their mirror images as the protocol says.

    They stay raw so that their length can weight templates or serve as quality; every score normalises.
    """
    rows = embed_images(
        faces.crops, model.raw, batch_size=batch_size, flip=protocol.embedding.flip, unit=False, on_progress=on_progress
    )
    names = {} if faces.same is not None else {"name": np.array(faces.names)}
    return EmbeddingSet.build(rows, names, "the model's embeddings", faces.same)
