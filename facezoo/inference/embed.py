"""Embeddings of face crops: batches, flip fusion, normalisation. The result does not depend on the batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from facezoo.errors import ConfigError, NumericalError, ShapeError, UnknownNameError
from facezoo.inference.embeddings import normalise
from facezoo.io.progress import OnProgress, ignore_progress

Embed = Callable[[np.ndarray], np.ndarray]
FLIPS = ("none", "sum", "concat")


def _batches(images: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Batches uint8 (n, H, W, 3) of ``size`` images; only the last may be smaller."""
    rest = iter(images)
    expected = None
    start = 0
    while batch := list(islice(rest, size)):
        for offset, image in enumerate(batch):
            expected = expected or image.shape
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape != expected:
                raise ShapeError(f"image {start + offset} is {image.dtype} {image.shape}; expected uint8 {expected}")
        start += len(batch)
        yield np.stack(batch)


def _run(embed: Embed, batch: np.ndarray, start: int) -> np.ndarray:
    """One call of ``embed``, whose output is checked, so that the message names the model and not a later step."""
    out = np.asarray(embed(batch))
    if out.ndim != 2 or len(out) != len(batch):
        raise ShapeError(f"embed gave {out.shape} for {len(batch)} images; expected ({len(batch)}, E)")
    finite = np.isfinite(out).all(axis=1)
    if not finite.all():
        bad = start + int(np.flatnonzero(~finite)[0])
        raise NumericalError(f"the embedding of image {bad} holds NaN or infinity")
    return out.astype(np.float32, copy=False)


def embed_images(
    images: Iterable[np.ndarray],
    embed: Embed,
    *,
    batch_size: int = 64,
    flip: str = "sum",
    unit: bool = True,
    on_progress: OnProgress = ignore_progress,
) -> np.ndarray:
    """Embed face crops, fused with their mirror images.

    Args:
        images: uint8 RGB (H, W, 3) each, all of equal size; a generator is read once, batch by batch.
        embed: from uint8 NHWC to (n, E) raw embeddings.
        batch_size: 1 or more; the last batch may be smaller.
        flip: "none"; "sum" adds the raw embeddings of the image and its mirror image; "concat" concatenates
            them, (n, 2E).
        unit: L2-normalise the rows after fusion, in float64.
        on_progress: called with the number of images done, after each batch.

    Returns:
        float32 (N, E), or (N, 2E) for "concat".

    Raises:
        ShapeError: an image or an embedding has an unexpected shape, or there is no image.
        NumericalError: an embedding holds NaN or infinity, or is zero and ``unit`` is set.

    >>> embed_images([np.full((2, 2, 3), 9, np.uint8)], lambda x: x.mean((1, 2)), flip="none").round(3)
    array([[0.577, 0.577, 0.577]], dtype=float32)
    """
    if flip not in FLIPS:
        raise UnknownNameError("flip mode", flip, FLIPS)
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; expected 1 or more")
    done = 0
    parts = []
    for batch in _batches(images, batch_size):
        out = _run(embed, batch, done)
        if flip != "none":
            mirrored = _run(embed, np.ascontiguousarray(batch[:, :, ::-1]), done)
            out = out + mirrored if flip == "sum" else np.concatenate([out, mirrored], axis=1)
        parts.append(out)
        done += len(batch)
        on_progress(done)
    if not parts:
        raise ShapeError("no images to embed; expected at least 1")
    embeddings = np.concatenate(parts)
    return normalise(embeddings) if unit else embeddings
