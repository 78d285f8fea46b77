"""The input of ``facezoo evaluate``: the embeddings of a model, stored embeddings, or scores."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.cli.evaluate_request import Request
from facezoo.errors import DataError, FacezooError, ProtocolError
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet, load_embeddings, read_columns
from facezoo.evaluation.protocols.protocol import Protocol, load_protocol
from facezoo.evaluation.protocols.result import ProtocolResult
from facezoo.evaluation.protocols.tasks.pairs import PairsTask
from facezoo.interfaces.detector import Detector
from facezoo.io.numpy_files import read_npz
from facezoo.io.progress import progress_bar

Crop = Callable[[str], np.ndarray]


def chosen_protocol(asked: Request) -> Protocol:
    """The protocol with the changes of --pairs and --flip, which also change its hash."""
    protocol = load_protocol(asked.protocol)
    if asked.pairs is not None:
        protocol = protocol.with_pair_list(asked.pairs.name)
    if asked.flip is None:
        return protocol
    return protocol.model_copy(update={"embedding": protocol.embedding.model_copy(update={"flip": asked.flip})})


def find_lists(asked: Request, protocol: Protocol) -> Path | None:
    """The folder of the protocol's list files: the one given, or the one near the data that holds the first list."""
    if asked.pairs is not None:
        return asked.pairs.parent
    if asked.lists is not None or asked.data is None:
        return asked.lists
    first = next(iter(protocol.list_files()), None)
    beside = [asked.data.parent, *([asked.landmarks.parent] if asked.landmarks else [])]
    likely = [folder for folder in (asked.data, *beside) if first and (folder / first).is_file()]
    return likely[0] if likely else asked.data


def large_rows(asked: Request, protocol: Protocol) -> NpyRows | None:
    """The rows of a plain .npy, read in blocks, for a protocol that needs no columns; None for other input."""
    suffice = all(task.rows_suffice for task in protocol.tasks)
    if asked.embeddings is None or asked.embeddings.suffix != ".npy" or not suffice or asked.columns is not None:
        return None
    return NpyRows(asked.embeddings)


def model_name(asked: Request) -> str:
    """The name of the model in tables."""
    source = asked.weights or asked.embeddings or asked.scores
    return asked.model or (source.stem if source is not None else "model")


def find_embeddings(asked: Request, protocol: Protocol) -> tuple[EmbeddingSet, Crop | None, dict[str, Any]]:
    """The embeddings, stored or computed from the images; a function that returns the crop of an image; the inputs."""
    if asked.embeddings is not None:
        store = load_embeddings(asked.embeddings, asked.columns)
        return store, _stored_crop(asked), {}
    from facezoo import Embedder
    from facezoo.evaluation.protocols.faces import embed_faces, find_faces
    from facezoo.io.files import file_sha256

    assert asked.weights is not None  # the command checked it
    assert asked.data is not None
    model = Embedder(asked.weights, backend=asked.backend, device=asked.device, precision=asked.precision)
    detector = _detector(asked)
    with progress_bar("finding faces", "photos") as on_progress:
        faces = find_faces(
            protocol, asked.data, model.preprocess, lists=find_lists(asked, protocol), landmarks=asked.landmarks,
            detector=detector, on_progress=on_progress,
        )  # fmt: skip
    with progress_bar("embedding", "images", len(faces.names)) as on_progress:
        store = embed_faces(faces, model, protocol, batch_size=asked.batch_size, on_progress=on_progress)
    if asked.columns is not None:
        store = read_columns(store, asked.columns)
    inputs = {
        **faces.inputs,
        "weights": asked.weights.name,
        "weights_sha256": file_sha256(asked.weights),
        "backend": model.backend,
        "backend_version": _version(model.backend),
        "precision": asked.precision,
        "preprocess": model.preprocess.to_dict(),
    }
    if faces.without_landmarks:
        inputs["without_landmarks"] = faces.without_landmarks
        print(f"{len(faces.without_landmarks)} faces without landmarks were cut from the middle", file=sys.stderr)
    if asked.save_embeddings is not None:
        store.save(asked.save_embeddings)
    return store, faces.crop, inputs


def _detector(asked: Request) -> Detector | None:
    from facezoo.align.create import create_detector

    if asked.detector is None:
        return None
    return create_detector(
        asked.detector, backend=asked.backend, **({"whole_pixels": False} if asked.detector == "mtcnn" else {})
    )


def _version(backend: str) -> str:
    """The version of the framework, without importing it."""
    from importlib import metadata

    for package in {"torch": ("torch",), "paddle": ("paddlepaddle", "paddlepaddle-gpu")}.get(backend, ()):
        try:
            return f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _stored_crop(asked: Request) -> Crop | None:
    """A function that reads the images of --data, for a report on stored embeddings."""
    if asked.data is None or not asked.data.is_dir():
        return None
    from facezoo.align.crop import central_crop
    from facezoo.data.image import read_image
    from facezoo.evaluation.inputs.folder import by_extension, find_root

    data = asked.data

    def crop(name: str) -> np.ndarray:
        root = find_root(data, [name])
        return central_crop(read_image(root / by_extension(root, [name])(name)), (112, 112), 0.57)

    return crop


def result_of_stored_scores(asked: Request, protocol: Protocol) -> ProtocolResult:
    """The result for scores that another system computed."""
    from facezoo.evaluation.metrics.ten_fold import fold_numbers

    task = protocol.tasks[0]
    if len(protocol.tasks) != 1 or not isinstance(task, PairsTask):
        raise ProtocolError(f"protocol {protocol.name} is not one list of pairs; --scores fits nothing else")
    assert asked.scores is not None  # the caller checked it
    try:
        stored = read_npz(asked.scores)
        scores, same = stored["scores"], stored["same"]
        folds = stored["folds"] if "folds" in stored else fold_numbers(task.folds or 10, len(scores))
    except (FacezooError, KeyError, TypeError) as error:
        raise DataError(f"{str(asked.scores)!r} is not an .npz of plain arrays scores and same: {error}") from error
    found = task.result_of_scores(scores, same, folds, None, asked.confidence)
    return ProtocolResult(
        protocol=protocol.name,
        title=protocol.title,
        protocol_sha256=protocol.sha256,
        model=model_name(asked),
        inputs={"scores": asked.scores.name},
        tasks=[found],
        ranking=None,
        confidence=asked.confidence,
    )
