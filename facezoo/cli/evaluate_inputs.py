"""The input of ``facezoo evaluate``: the embeddings of a model, stored embeddings, or scores."""

from __future__ import annotations

import logging
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

logger = logging.getLogger(__name__)

OF_EVERY_RUN = ("weights", "best", "backbone", "embeddings", "scores")  # file names that do not tell models apart


def chosen_protocol(request: Request) -> Protocol:
    """The protocol with the changes of --pairs and --flip, which also change its hash."""
    protocol = load_protocol(request.protocol)
    if request.pairs is not None:
        protocol = protocol.with_pair_list(request.pairs.name)
    if request.flip is None:
        return protocol
    return protocol.model_copy(update={"embedding": protocol.embedding.model_copy(update={"flip": request.flip})})


def find_lists(request: Request, protocol: Protocol) -> Path | None:
    """The folder of the protocol's list files: the one given, or the one near the data that holds the first list."""
    if request.pairs is not None:
        return request.pairs.parent
    if request.lists is not None or request.data is None:
        return request.lists
    first = next(iter(protocol.list_files()), None)
    beside = [request.data.parent, *([request.landmarks.parent] if request.landmarks else [])]
    likely = [folder for folder in (request.data, *beside) if first and (folder / first).is_file()]
    return likely[0] if likely else request.data


def large_rows(request: Request, protocol: Protocol) -> NpyRows | None:
    """The rows of a plain .npy, read in blocks, for a protocol that needs no columns; None for other input."""
    suffice = all(task.rows_suffice for task in protocol.tasks)
    if request.embeddings is None or request.embeddings.suffix != ".npy" or not suffice or request.columns is not None:
        return None
    return NpyRows(request.embeddings)


def model_name(request: Request) -> str:
    """The name of the model in tables: that of the file, or of its folder where every run has a file of that name."""
    source = request.weights or request.embeddings or request.scores
    if request.model or source is None:
        return request.model or "model"
    folder = source.absolute().parent.name
    if source.stem not in OF_EVERY_RUN or not folder:
        return source.stem
    return folder if source.stem == "weights" else f"{folder}/{source.stem}"


def find_embeddings(request: Request, protocol: Protocol) -> tuple[EmbeddingSet, Crop | None, dict[str, Any]]:
    """The embeddings, stored or computed from the images; a function that returns the crop of an image; the inputs."""
    if request.embeddings is not None:
        store = load_embeddings(request.embeddings, request.columns)
        return store, _stored_crop(request), {}
    from facezoo import Embedder
    from facezoo.evaluation.protocols.faces import embed_faces, find_faces
    from facezoo.io.files import file_hash

    assert request.weights is not None  # the command checked it
    assert request.data is not None
    model = Embedder(
        request.weights,
        backend=request.backend,
        device=request.device,
        precision=request.precision,
        runtime=request.runtime,
    )
    detector = _detector(request)
    with progress_bar("finding faces", "photos") as on_progress:
        faces = find_faces(
            protocol, request.data, model.preprocess, lists=find_lists(request, protocol), landmarks=request.landmarks,
            detector=detector, on_progress=on_progress,
        )  # fmt: skip
    with progress_bar("embedding", "images", len(faces.names)) as on_progress:
        store = embed_faces(faces, model, protocol, batch_size=request.batch_size, on_progress=on_progress)
    if request.columns is not None:
        store = read_columns(store, request.columns)
    inputs = {
        **faces.inputs,
        "weights": request.weights.name,
        "weights_sha256": file_hash(request.weights),
        "backend": model.backend,
        "backend_version": _version(model.backend),
        "precision": request.precision,
        **({} if request.runtime == "native" else {"runtime": request.runtime}),
        "preprocess": model.preprocess.to_dict(),
    }
    if faces.without_landmarks:
        inputs["without_landmarks"] = faces.without_landmarks
        logger.warning("%d faces without landmarks were cut from the middle", len(faces.without_landmarks))
    if request.save_embeddings is not None:
        store.save(request.save_embeddings)
    return store, faces.crop, inputs


def _detector(request: Request) -> Detector | None:
    from facezoo.align.create import create_detector
    from facezoo.backends import ONNX

    if request.detector is None:
        return None
    return create_detector(
        request.detector,
        backend=None if request.backend == ONNX else request.backend,
        **({"whole_pixels": False} if request.detector == "mtcnn" else {}),
    )


def _version(backend: str) -> str:
    """The version of the framework, without importing it."""
    from importlib import metadata

    packages = {
        "torch": ("torch",), "paddle": ("paddlepaddle", "paddlepaddle-gpu"), "onnx": ("onnxruntime", "onnxruntime-gpu"),
    }  # fmt: skip
    for package in packages.get(backend, ()):
        try:
            return f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _stored_crop(request: Request) -> Crop | None:
    """A function that reads the images of --data, for a report on stored embeddings."""
    if request.data is None or not request.data.is_dir():
        return None
    from facezoo.data.image import read_image
    from facezoo.data.transforms.crop import central_crop
    from facezoo.evaluation.inputs.folder import by_extension, find_root

    data = request.data

    def crop(name: str) -> np.ndarray:
        root = find_root(data, [name])
        return central_crop(read_image(root / by_extension(root, [name])(name)), (112, 112), 0.57)

    return crop


def result_of_stored_scores(request: Request, protocol: Protocol) -> ProtocolResult:
    """The result for scores that another system computed."""
    from facezoo.evaluation.metrics.ten_fold import fold_numbers

    task = protocol.tasks[0]
    if len(protocol.tasks) != 1 or not isinstance(task, PairsTask):
        raise ProtocolError(f"protocol {protocol.name} is not one list of pairs; --scores fits nothing else")
    assert request.scores is not None  # the caller checked it
    try:
        stored = read_npz(request.scores)
        scores, same = stored["scores"], stored["same"]
        folds = stored["folds"] if "folds" in stored else fold_numbers(task.folds or 10, len(scores))
    except (FacezooError, KeyError, TypeError) as error:
        raise DataError(f"{str(request.scores)!r} is not an .npz of plain arrays scores and same: {error}") from error
    found = task.result_of_scores(scores, same, folds, None, request.confidence)
    return ProtocolResult(
        protocol=protocol.name,
        title=protocol.title,
        protocol_sha256=protocol.sha256,
        model=model_name(request),
        inputs={"scores": request.scores.name},
        tasks=[found],
        ranking=None,
        confidence=request.confidence,
    )
