"""The images of a protocol, found and embedded with a model: a folder, a ``.bin``, or official list files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np

from facezoo.align.templates import Template, get_template
from facezoo.data.image import IMAGE_SUFFIXES
from facezoo.data.transforms.crop import central_crop
from facezoo.datasets.masking import MaskSettings
from facezoo.download.urls import local_path
from facezoo.errors import DataError, ProtocolError
from facezoo.evaluation.inputs.detect import detect_landmarks
from facezoo.evaluation.inputs.folder import FaceFolder, by_extension, find_root, read_landmarks, require_images
from facezoo.evaluation.inputs.ijb import read_landmark_scores
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import Protocol
from facezoo.inference.embed import embed_images
from facezoo.interfaces.detector import Detector
from facezoo.io.files import file_hash
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.specs.preprocess import Preprocess


class Model(Interface):
    """A model that embeds crops, such as :class:`facezoo.Embedder`."""

    preprocess: Preprocess

    def raw(self, images: np.ndarray) -> np.ndarray:
        """(n, E) of uint8 RGB crops (n, H, W, 3)."""


@dataclass(frozen=True)
class Faces:
    """The images of a protocol, ready to embed.

    Attributes:
        names: names of the images; "0", "1", ... for a ``.bin``.
        crops: uint8 RGB crops in the same order, read during iteration.
        crop: gives one crop by name, for pictures.
        same: which pairs are genuine, for a ``.bin``.
        inputs: hashes and settings for the report.
        without_landmarks: names of images that were cropped at the centre, added while the crops are read.
    """

    names: list[str]
    crops: Iterable[np.ndarray]
    crop: Callable[[str], np.ndarray]
    same: np.ndarray | None
    inputs: dict[str, Any]
    without_landmarks: list[str]


def _template(preprocess: Preprocess) -> Template:
    """The model's template, resized to the model's input."""
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
    """The images of a protocol; missing files are reported before anything is computed.

    Args:
        protocol: defines the lists and the alignment.
        data: folder of images, or a ``.bin``.
        preprocess: preprocessing of the model; defines the template and size of the crops.
        lists: folder of list files; by default ``data``.
        landmarks: table of landmarks; by default ``landmarks.csv`` in the folder of the lists.
        detector: finds the landmarks, instead of a table.
        on_progress: called with the photos that the detector has done, and their total.

    Raises:
        DataError: a folder, list or image is missing.
        ProtocolError: the protocol aligns by landmarks and there are none.
    """
    place = local_path(data)
    lists = None if lists is None else local_path(lists)
    landmarks = None if landmarks is None else local_path(landmarks)
    if place.is_file():
        if detector is not None:
            raise ProtocolError(f"{str(place)!r} holds crops that are aligned already; a detector needs photos")
        return _bin_faces(protocol, place, preprocess)
    if not place.is_dir():
        raise DataError(f"no folder or .bin {str(place)!r}; expected the images of protocol {protocol.name}")
    folder = Path(lists) if lists is not None else place
    names = protocol.listed_images(folder) or _every_image(place)
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
    worn = _masker(protocol, preprocess)
    inputs = {
        "images": len(names),
        "aligner": detector.name if detector is not None else "landmarks" if table is not None else "aligned",
        "template": preprocess.template,
        **({"landmarks_sha256": digest} if digest else {}),
    }

    def crop(name: str) -> np.ndarray:
        return faces.crop(file_of[name]) if worn is None else worn(name, faces.crop(file_of[name]))

    crops: Iterable[np.ndarray] = faces if worn is None else _Crops(names, crop)
    return Faces(names, crops, crop, None, inputs | _masks_of(protocol), faces.without_landmarks)


def _masks_of(protocol: Protocol) -> dict[str, Any]:
    """What the report says about drawn masks."""
    rule = protocol.embedding.masks
    return {} if rule is None else {"masks": ", ".join(f"{name} {value:g}" for name, value in rule)}


def _masker(protocol: Protocol, preprocess: Preprocess) -> Callable[[str, np.ndarray], np.ndarray] | None:
    """Draws the mask of an image, given by name, on its crop; None where the protocol draws none."""
    rule = protocol.embedding.masks
    if rule is None:
        return None
    settings = MaskSettings(rule.share, rule.mesh, rule.low, seed=rule.seed)
    points = _template(preprocess).points

    def draw(name: str, crop: np.ndarray) -> np.ndarray:
        mask, rng = settings.choose(name)
        return crop if mask is None else mask.draw(crop, rng, points)

    return draw


def _every_image(root: Path) -> list[str]:
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise DataError(f"no images in {str(root)!r}; expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return [path.relative_to(root).as_posix() for path in found]


def _landmarks(
    protocol: Protocol, lists: Path, given: str | Path | None, files: dict[str, str]
) -> tuple[dict[str, np.ndarray], str] | None:
    """Landmarks by file name and the hash of their table; None if the files are aligned crops."""
    if protocol.embedding.aligner == "aligned" and given is None:
        return None
    listed = next((file for task in protocol.tasks if (file := task.landmark_file())), None)
    if listed and given is None:
        names, points, _ = read_landmark_scores(lists / listed)
        return dict(zip(names, points, strict=True)), file_hash(lists / listed)
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
    return known, file_hash(path)


def _bin_faces(protocol: Protocol, path: Path, preprocess: Preprocess) -> Faces:
    from facezoo.data.sources.verification_bin import read_verification_bin

    if len(protocol.tasks) != 1 or not protocol.tasks[0].pairs_in_order:
        raise ProtocolError(f"protocol {protocol.name} is not one list of pairs; a .bin holds one list of pairs")
    stored = read_verification_bin(path)

    worn = _masker(protocol, preprocess)

    def crop(name: str) -> np.ndarray:
        plain = central_crop(stored.image(int(name)), preprocess.size)
        return plain if worn is None else worn(name, plain)

    names = [str(index) for index in range(2 * len(stored))]
    inputs = {"images": len(names), "aligner": "aligned", "bin_sha256": file_hash(path), **_masks_of(protocol)}
    return Faces(names, _Crops(names, crop), crop, stored.same, inputs, [])


@dataclass(frozen=True)
class _Crops:
    """Crops that are read during iteration."""

    names: Sequence[str]
    crop: Callable[[str], np.ndarray]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.crop(name) for name in self.names)


def embed_faces(
    faces: Faces,
    model: Model,
    protocol: Protocol,
    *,
    batch_size: int = 64,
    on_progress: OnProgress = ignore_progress,
) -> EmbeddingSet:
    """Raw embeddings of a protocol's images, fused with those of the mirrored images by the protocol's rule.

    They are not normalised, so that their length can weight templates or serve as quality; every score normalises.
    """
    rows = embed_images(
        faces.crops,
        model.raw,
        batch_size=batch_size,
        flip=protocol.embedding.flip,
        unit=False,
        on_progress=on_progress,
    )
    names = {} if faces.same is not None else {"name": np.array(faces.names)}
    return EmbeddingSet.build(rows, names, "the model's embeddings", faces.same)
