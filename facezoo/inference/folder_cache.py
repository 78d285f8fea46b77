"""Embeddings of the photos of a folder, kept on disk, so that a photo is embedded once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.download import cache
from facezoo.errors import FacezooError
from facezoo.inference.gallery import ModelRecord
from facezoo.inference.photo_embedder import PhotoEmbedder
from facezoo.io.files import atomic_write, file_hash
from facezoo.io.numpy_files import read_npz
from facezoo.io.progress import OnProgress, ignore_progress

UNUSED = 30 * 86400.0  # seconds after which the embeddings of a folder that is not used are deleted
FORMAT = 1


@dataclass(frozen=True)
class _Photo:
    """One photo as it was embedded.

    Attributes:
        stamp: size, time of change of the content and of the entry in the folder, in nanoseconds.
        sha256: of the file.
        reason: why it has no embedding; empty if it has one.
        embedding: (E,) float32; zeros without one.
    """

    stamp: tuple[int, int, int]
    sha256: str
    reason: str
    embedding: np.ndarray


def cache_file(folder: Path, model: ModelRecord, embedder: PhotoEmbedder) -> Path:
    """The file for a folder, a model, and a way to choose and align faces."""
    how = [embedder.embedder.backend, embedder.face, "aligned" if embedder.detector is None else embedder.detector.name]
    key = json.dumps([FORMAT, os.path.abspath(folder), asdict(model), how], sort_keys=True)  # ASCII
    return cache.root() / "embeddings" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def embed_folder(
    photos: Sequence[Path], embedder: PhotoEmbedder, file: Path, on_progress: OnProgress = ignore_progress
) -> tuple[list[Path], np.ndarray, dict[str, str], int]:
    """Embeddings of photos; those that are in the file and have not changed are not embedded again.

    A photo has not changed if its size and times are those of the file, or else its content has the same SHA-256.

    Args:
        photos: their paths.
        embedder: embeds one face of each.
        file: of :func:`cache_file`; written again if a photo is new, changed or gone.
        on_progress: called with the number of photos that were embedded.

    Returns:
        the photos with an embedding, their embeddings (N, E), path -> reason for the others, and the number of photos
        that were embedded now.
    """
    known = _load(file)
    stamps = {photo: _stamp(photo) for photo in photos}
    hashes: dict[Path, str] = {}
    kept: dict[str, _Photo] = {}
    for photo, stamp in stamps.items():
        before = known.get(str(photo))
        if before is None or stamp is None:
            continue
        if before.stamp == stamp:
            kept[str(photo)] = before
        elif before.stamp[0] == stamp[0]:
            hashes[photo] = file_hash(photo)
            if hashes[photo] == before.sha256:
                kept[str(photo)] = _Photo(stamp, before.sha256, before.reason, before.embedding)
    missing = [photo for photo in photos if str(photo) not in kept]
    if missing:
        result = embedder.embed(missing, on_progress)
        rows = dict(zip(result.paths, result.embeddings, strict=True))
        blank = np.zeros(embedder.embedder.embedding_size, np.float32)
        for photo in missing:
            name, stamp = str(photo), stamps[photo]
            digest = hashes.get(photo) or (file_hash(photo) if stamp is not None else "")
            reason = result.skipped.get(name, "")
            kept[name] = _Photo(stamp or (0, 0, 0), digest, reason, rows.get(name, blank))
    ordered = {str(photo): kept[str(photo)] for photo in photos}
    if missing or list(known) != list(ordered) or any(known[name].stamp != kept[name].stamp for name in ordered):
        _save(file, ordered)
    else:
        os.utime(file)
    found = [photo for photo in photos if not kept[str(photo)].reason]
    rows_found = [kept[str(photo)].embedding for photo in found]
    embeddings = np.stack(rows_found) if found else np.zeros((0, embedder.embedder.embedding_size), np.float32)
    skipped = {name: photo.reason for name, photo in ordered.items() if photo.reason}
    return found, embeddings, skipped, len(missing)


def _stamp(photo: Path) -> tuple[int, int, int] | None:
    try:
        found = photo.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _load(file: Path) -> dict[str, _Photo]:
    if not file.is_file():
        return {}
    try:
        table = read_npz(file)
        rows = zip(
            table["paths"].tolist(), table["stamps"].tolist(), table["sha256"].tolist(), table["reasons"].tolist(),
            table["embeddings"], strict=True,
        )  # fmt: skip
        return {
            path: _Photo((stamp[0], stamp[1], stamp[2]), sha256, reason, embedding)
            for path, stamp, sha256, reason, embedding in rows
        }
    except (FacezooError, KeyError, ValueError, IndexError, TypeError):
        return {}  # damaged: made again


def _save(file: Path, photos: dict[str, _Photo]) -> None:
    table = list(photos.values())
    arrays: dict[str, Any] = {
        "paths": np.array(list(photos)),
        "stamps": np.array([photo.stamp for photo in table], np.int64),
        "sha256": np.array([photo.sha256 for photo in table]),
        "reasons": np.array([photo.reason for photo in table]),
        "embeddings": np.stack([photo.embedding for photo in table]),
    }
    _delete_unused(file.parent)
    with atomic_write(file) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)
    file.chmod(0o600)  # faces of people: for this user only


def _delete_unused(folder: Path) -> None:
    for file in folder.glob("*.npz"):
        if time.time() - file.stat().st_mtime > UNUSED:
            file.unlink(missing_ok=True)
