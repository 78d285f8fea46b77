"""Embeddings of a whole data set in a folder: one row per image, in files that are mapped and never read at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.data.sources.fingerprint import fingerprint
from facezoo.data.sources.source import Source
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import ConfigError, DataError, ImageError
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json
from facezoo.io.progress import OnProgress, ignore_progress

ROWS = 8192  # of a file; a call that was stopped continues at the last complete file
INDEX = "index.json"
BATCH = 32


@dataclass(frozen=True)
class StoredEmbeddings:
    """A folder of embeddings.

    Attributes:
        folder: where they are.
        size: E.
        data: the fingerprint of the images, see :func:`facezoo.data.sources.fingerprint.fingerprint`.
        model: what made them: "weights" and "sha256".
        files: (rows, E) float32 each, mapped; ``ROWS`` rows in all but the last. A row is not normalised; that of an
            image that could not be read is zero.
    """

    folder: Path
    size: int
    data: dict[str, Any]
    model: dict[str, Any]
    files: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.files)

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """(n, E) float32, the embeddings of the images with these numbers."""
        found = np.empty((len(indices), self.size), np.float32)
        for number in np.unique(indices // ROWS):
            here = indices // ROWS == number
            found[here] = self.files[int(number)][indices[here] - number * ROWS]
        return found

    def centres(self, labels: np.ndarray, num_classes: int) -> np.ndarray:
        """(C, E) float32: the mean of the unit embeddings of each class; zero for a class without a readable image.

        Args:
            labels: (n,) int64 of all images.
            num_classes: C.
        """
        sums = np.zeros((num_classes, self.size), np.float64)
        for number, block in enumerate(self.files):
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            unit = block / np.where(lengths > 0, lengths, 1)
            np.add.at(sums, labels[number * ROWS : number * ROWS + len(block)], unit)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def open_embeddings(folder: str | Path) -> StoredEmbeddings:
    """Open a folder that :func:`store_embeddings` wrote.

    Raises:
        DataError: it holds no embeddings, only some of them, or a damaged file.
    """
    folder = Path(folder)
    try:
        index = parse_json((folder / INDEX).read_text("utf-8"))
        size, images = int(index["size"]), int(index["data"]["images"])
        files = tuple(np.load(folder / _name(number), mmap_mode="r") for number in range(-(-images // ROWS)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{str(folder)!r} holds no complete set of embeddings ({' '.join(str(error).split())}); expected a folder "
            "of `facezoo embed DATA --aligned --out FOLDER`, which continues where it was stopped"
        ) from error
    for number, block in enumerate(files):
        shape = (min(ROWS, images - number * ROWS), size)
        if block.dtype != np.float32 or block.shape != shape:
            raise DataError(f"{str(folder / _name(number))!r} is {block.dtype} {block.shape}; expected float32 {shape}")
    return StoredEmbeddings(folder, size, index["data"], index["model"], files)


def store_embeddings(
    source: Source,
    embed: Callable[[np.ndarray], np.ndarray],
    folder: str | Path,
    *,
    size: tuple[int, int],
    model: dict[str, Any],
    on_progress: OnProgress = ignore_progress,
) -> StoredEmbeddings:
    """Embed every image of a data set once, in the order of the set, without augmentation.

    Args:
        source: the images.
        embed: from uint8 crops (N, H, W, 3) to raw embeddings (N, E).
        folder: where the files are written; complete files of the same model and images are kept.
        size: (H, W) of the crops.
        model: what ``embed`` is: "weights" and "sha256".
        on_progress: called with the number of images done.

    Raises:
        ConfigError: the folder holds the embeddings of another model, or of other images.
    """
    folder = Path(folder)
    made = {"model": model, "data": fingerprint(source)}
    _check_folder(folder, made)
    folder.mkdir(parents=True, exist_ok=True)
    count, width = len(source), 0
    for first in range(0, count, ROWS):
        path = folder / _name(first // ROWS)
        last = min(first + ROWS, count)
        if path.is_file():
            width = np.load(path, mmap_mode="r").shape[1]
        else:
            rows = _block(source, embed, size, first, last, count, on_progress)
            width = rows.shape[1]
            with atomic_write(path) as part, part.open("wb") as file:
                np.save(file, rows)
        on_progress(last, count, "")
    _write_index(folder, {**made, "size": width})
    return open_embeddings(folder)


def _block(
    source: Source, embed: Callable[[np.ndarray], np.ndarray], size: tuple[int, int], first: int, last: int,
    count: int, on_progress: OnProgress,
) -> np.ndarray:  # fmt: skip
    found: dict[int, np.ndarray] = {}
    for start in range(first, last, BATCH):
        crops, kept = [], []
        for index in range(start, min(start + BATCH, last)):
            try:
                crops.append(central_crop(source.image(index), size))
                kept.append(index)
            except ImageError:
                continue
        if crops:
            found.update(zip(kept, np.asarray(embed(np.stack(crops)), np.float32), strict=True))
        on_progress(min(start + BATCH, last), count, "")
    if not found:
        raise DataError(f"none of the images {first} to {last - 1} can be read; the first: {source.key(first)}")
    rows = np.zeros((last - first, next(iter(found.values())).shape[0]), np.float32)
    for index, row in found.items():
        rows[index - first] = row
    return rows


def _check_folder(folder: Path, made: dict[str, Any]) -> None:
    """Refuse a folder with other content; write what the embeddings are of before the first file."""
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        _write_index(folder, made)
        return
    try:
        stored = parse_json((folder / INDEX).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(folder)!r} exists and holds no embeddings; give another --out") from error
    for what in ("model", "data"):
        if stored.get(what) != made[what]:
            raise ConfigError(
                f"{str(folder)!r} holds embeddings of another {'model' if what == 'model' else 'set of images'}: "
                f"{stored.get(what)}; expected {made[what]}; give another --out"
            )


def _write_index(folder: Path, values: dict[str, Any]) -> None:
    with atomic_write(folder / INDEX) as part:
        part.write_text(json.dumps(values, indent=1), "utf-8")


def _name(number: int) -> str:
    return f"embeddings-{number:05d}.npy"
