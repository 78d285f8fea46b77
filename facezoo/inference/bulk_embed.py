"""Embedding many photos, in parts that the processes of this machine or a Ray cluster compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.bulk import Engine, Keep, run_shards
from facezoo.errors import DataError, FacezooError
from facezoo.inference.photo_embedder import PhotoEmbeddings, photo_embedder
from facezoo.inference.runtimes import check_runtime, exported
from facezoo.interfaces.detector import Face
from facezoo.io.files import file_hash
from facezoo.io.numpy_files import read_npz
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.rng import generator

SHARD = 32  # photos of a part
_WARM = 32  # images after which a backend has compiled what it compiles


def embed_photos(
    photos: Iterable[str | Path],
    weights: str | Path,
    *,
    backend: str,
    aligned: bool = False,
    face: str = "largest",
    device: str = "cpu",
    runtime: str = "native",
    workers: int | None = 1,
    engine: str | Engine = "local",
    keep_parts: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
) -> PhotoEmbeddings:
    """Embed photos in parts of ``SHARD``; the result depends neither on the engine nor on the number of workers.

    Every process computes with one CPU thread, this one too.

    Args:
        photos: their paths.
        weights: a weight file.
        backend: "torch" or "paddle".
        aligned: the photos are aligned crops; no detector is used.
        face: "largest", "central" or "all"; see :class:`facezoo.inference.photo_embedder.PhotoEmbedder`.
        device: "cpu", "gpu" or "gpu:N"; with Ray also "auto", a GPU for each process where the cluster has any.
        runtime: "native", "onnxruntime" or "openvino"; see :class:`facezoo.Embedder`.
        workers: number of processes, 1 or more; None: one per core. With 1, this process does all. A script with more
            than 1 must call this under ``if __name__ == "__main__":``.
        engine: "local", "ray" or an :class:`facezoo.bulk.Engine`. With Ray on several machines, all of them read the
            photos and the weights at the same paths.
        keep_parts: folder that keeps finished parts, so that a call that was killed continues there. The caller
            deletes it when the result is stored.
        on_progress: called with the number of photos done, and their total.

    Returns:
        As :meth:`facezoo.inference.photo_embedder.PhotoEmbedder.embed`; without a face, ``embeddings`` is (0, 0).

    Raises:
        FacezooError: as for :func:`facezoo.inference.photo_embedder.photo_embedder`.
        WorkerError: a worker process died; for Ray more often than ``engine.retries``.
    """
    names = [str(photo) for photo in photos]
    shards = [names[start : start + SHARD] for start in range(0, len(names), SHARD)]
    options = {"backend": backend, "aligned": aligned, "face": face, "device": device, "threads": 1}
    if runtime != "native":
        options["runtime"] = runtime
        check_runtime(runtime, device)
        exported(Path(weights))  # once, before several processes ask for it
    keep = None
    if keep_parts is not None:
        job = {"work": "embed", "weights": file_hash(weights), **options, "photos": [_state(name) for name in names]}
        keep = Keep(keep_parts, job, _save, _load, ".npz")
    found: dict[int, PhotoEmbeddings] = {}
    done = 0
    make, engine = partial(_embedding, weights, options, len(shards) > 1), Engine.of(engine, workers)
    for number, result in run_shards(make, shards, engine=engine, keep=keep, device=device):
        found[number] = result
        done += len(shards[number])
        on_progress(done, len(names))
    return _joined([found[number] for number in sorted(found)])


def _embedding(
    weights: str | Path, options: dict[str, Any], several: bool
) -> Callable[[Sequence[str]], PhotoEmbeddings]:
    """The function of a worker process from paths to their embeddings.

    A backend may change to a compiled program after some images, whose last bit differs. With several parts this is
    done before the first one, so that a part does not depend on the parts that its process had before.
    """
    embedder = photo_embedder(weights, **options)
    if several:
        shape = (_WARM, *embedder.embedder.preprocess.size, 3)
        embedder.embedder.raw(generator(0, "warm up").integers(0, 256, shape, np.uint8))
    return embedder.embed


def _state(name: str) -> list[Any]:
    """Path, size and time of modification of a photo; of a missing one the path alone."""
    try:
        state = os.stat(name)
    except OSError:
        return [os.path.abspath(name)]
    return [os.path.abspath(name), state.st_size, state.st_mtime_ns]


def _joined(parts: Sequence[PhotoEmbeddings]) -> PhotoEmbeddings:
    rows = [part.embeddings for part in parts if part.paths]
    return PhotoEmbeddings(
        [path for part in parts for path in part.paths],
        np.concatenate(rows) if rows else np.zeros((0, 0), np.float32),
        [face for part in parts for face in part.faces],
        {path: reason for part in parts for path, reason in part.skipped.items()},
        [count for part in parts for count in part.found],
    )


def _save(path: Path, part: PhotoEmbeddings) -> None:
    nothing = np.full(15, np.nan)  # for an aligned crop
    faces = [
        nothing if face is None else np.concatenate([face.box, face.landmarks.ravel(), [face.score]])
        for face in part.faces
    ]
    with path.open("wb") as stream:
        np.savez(
            stream,
            embeddings=part.embeddings,
            paths=np.array(part.paths, np.str_),
            faces=np.array(faces, np.float64).reshape(-1, 15),
            found=np.array(part.found, np.int64),
            skipped=np.array(list(part.skipped), np.str_),
            reasons=np.array(list(part.skipped.values()), np.str_),
        )


def _load(path: Path) -> PhotoEmbeddings:
    try:
        file = read_npz(path)
        return PhotoEmbeddings(
            file["paths"].tolist(),
            file["embeddings"],
            [None if np.isnan(row[0]) else _face(row) for row in file["faces"]],
            dict(zip(file["skipped"].tolist(), file["reasons"].tolist(), strict=True)),
            file["found"].tolist(),
        )
    except (FacezooError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{path}: not a kept part ({error})") from error


def _face(row: np.ndarray) -> Face:
    return Face(row[:4].astype(np.float32), row[4:14].reshape(5, 2).astype(np.float32), float(row[14]))
