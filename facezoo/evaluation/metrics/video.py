"""Embeddings of videos: frames of other people are removed, the remaining frames are pooled into one embedding."""

from __future__ import annotations

import numpy as np

from facezoo.errors import NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation.scores.products import cosines
from facezoo.inference.embeddings import check_embeddings, normalise

POOLINGS = ("mean", "norm", "quality")


def frame_clusters(embeddings: np.ndarray, threshold: float) -> np.ndarray:
    """Clusters of frames that are linked, directly or through other frames, by a cosine >= threshold: int64 (F,).

    Union-find (Tarjan 1975) with path halving; clusters are numbered by their first frame.

    Args:
        embeddings: (F, E), any length.
        threshold: cosine, -1..1.
    """
    unit = normalise(embeddings)
    parent = np.arange(len(unit))

    def root(frame: int) -> int:
        while parent[frame] != frame:
            parent[frame] = parent[parent[frame]]
            frame = parent[frame]
        return frame

    for start in range(0, len(unit), 1024):
        scores = cosines(unit[start : start + 1024], unit)
        rows, columns = np.nonzero(scores >= threshold)
        for one, two in zip((rows + start).tolist(), columns.tolist(), strict=True):
            if one < two:
                low, high = sorted((root(one), root(two)))
                parent[high] = low
    roots = np.array([root(frame) for frame in range(len(unit))])
    return np.unique(roots, return_inverse=True)[1]


def clean_frames(embeddings: np.ndarray, threshold: float) -> np.ndarray:
    """Which frames to keep, bool (F,): those of the largest cluster; of equally large ones, that of the first frame.

    Args:
        embeddings: (F, E).
        threshold: cosine that links two frames, -1..1.
    """
    if not -1.0 <= threshold <= 1.0:
        raise ProtocolError(f"threshold is {threshold}; expected a cosine, -1..1")
    clusters = frame_clusters(embeddings, threshold)
    return clusters == np.argmax(np.bincount(clusters))


def pool_frames(embeddings: np.ndarray, how: str = "mean", quality: np.ndarray | None = None) -> np.ndarray:
    """One unit embedding of a video, float32 (E,).

    Args:
        embeddings: (F, E) raw embeddings.
        how: "mean" of the normalised embeddings; "norm" adds the raw embeddings, so that long ones have more weight;
            "quality" weights the normalised embeddings.
        quality: float (F,), 0 or more, for "quality".

    Raises:
        NumericalError: the frames cancel out.
    """
    if how not in POOLINGS:
        raise UnknownNameError("pooling", how, POOLINGS)
    rows = check_embeddings(embeddings, what="frames").astype(np.float64)
    weights = np.ones(len(rows))
    if how != "norm":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if how == "quality":
        weights = np.asarray(quality, np.float64)
        if weights.shape != (len(rows),):
            raise ShapeError(f"quality has shape {weights.shape}; expected ({len(rows)},), one per frame")
        if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
            raise NumericalError("quality must be finite, 0 or more, and not all 0")
    pooled = weights @ rows
    length = np.linalg.norm(pooled)
    if length < 1e-12 * np.abs(rows).max():
        raise NumericalError(f"the {len(rows)} frames add up to zero; the video has no direction")
    return (pooled / length).astype(np.float32)


def pool_videos(
    embeddings: np.ndarray,
    videos: np.ndarray,
    *,
    threshold: float | None = None,
    how: str = "mean",
    quality: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clean and pool every video.

    Args:
        embeddings: (F, E) of all frames.
        videos: the video of each frame (F,).
        threshold: of :func:`clean_frames`; None keeps every frame.
        how: see :func:`pool_frames`.
        quality: float (F,), for "quality".

    Returns:
        (video names (V,), float32 (V, E), bool (F,) which frames were kept).
    """
    names, codes = np.unique(videos, return_inverse=True)
    if len(codes) != len(embeddings):
        raise ShapeError(f"{len(codes)} video names for {len(embeddings)} frames; expected one per frame")
    kept = np.zeros(len(codes), bool)
    order = np.argsort(codes, kind="stable")
    rows = []
    for frames in np.split(order, np.cumsum(np.bincount(codes))[:-1]):
        keep = np.ones(len(frames), bool) if threshold is None else clean_frames(embeddings[frames], threshold)
        chosen = frames[keep]
        kept[chosen] = True
        rows.append(pool_frames(embeddings[chosen], how, None if quality is None else quality[chosen]))
    return names, np.stack(rows), kept
