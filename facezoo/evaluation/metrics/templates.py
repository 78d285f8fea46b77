"""Templates as in IJB-A, IJB-B and IJB-C: several images of one person become one embedding.

Whitelam et al. 2017, "IARPA Janus Benchmark-B": the images of one medium are averaged first and the media of a
template are then added, so that the frames of a video do not outweigh a photo.
"""

from __future__ import annotations

import numpy as np

from facezoo.errors import NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation.inputs.rows import NpyRows, iterate_rows
from facezoo.inference.embeddings import check_embeddings

WEIGHTS = ("unit", "norm")


def media_weights(templates: np.ndarray, media: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each image: one over the number of images of its medium in its template, and the template's index.

    Args:
        templates: int (N,), template of each image.
        media: int (N,), medium of each image; the same number in two templates means two media.

    Returns:
        (float64 (N,), int64 (N,)); indices are positions in ``np.unique(templates)``.
    """
    owner = np.unique(templates, return_inverse=True)[1]
    medium = np.unique(media, return_inverse=True)[1]
    group = np.unique(owner * (medium.max() + 1) + medium, return_inverse=True)[1]
    return 1.0 / np.bincount(group)[group], owner


def pool_templates(
    embeddings: np.ndarray | NpyRows,
    templates: np.ndarray,
    media: np.ndarray,
    *,
    weight: str = "unit",
    detection_scores: np.ndarray | None = None,
    flip: str = "none",
) -> tuple[np.ndarray, np.ndarray]:
    """One unit embedding for each template.

    ``template = sum over media of (mean over the medium's images of score * embedding)``, then L2-normalised.

    Args:
        embeddings: (N, E) raw embeddings, an array or a file of them.
        templates: int (N,), template of each image.
        media: int (N,), medium (photo or video) of each image.
        weight: "unit" normalises the embedding of each image first; "norm" does not, so that a long (confident)
            embedding has more weight.
        detection_scores: float (N,), additional weights; None for equal weights.
        flip: "none"; "sum" adds the two halves of rows (N, 2E) that hold the image and its mirror image; "first"
            takes the first half only.

    Returns:
        (template numbers int64 (T,) ascending, float32 (T, E)).

    Raises:
        ShapeError: lists and embeddings do not match.
        NumericalError: an embedding is NaN, infinite or zero, or a template adds up to zero.
    """
    if weight not in WEIGHTS:
        raise UnknownNameError("template weight", weight, WEIGHTS)
    if flip not in ("none", "sum", "first"):
        raise UnknownNameError("flip mode", flip, ("none", "sum", "first"))
    names, belongs, factors = np.asarray(templates), np.asarray(media), detection_scores
    for what, values in (("templates", names), ("media", belongs), ("detection scores", factors)):
        if values is not None and len(values) != len(embeddings):
            raise ShapeError(f"{len(values)} {what} for {len(embeddings)} embeddings; expected one per embedding")
    if len(embeddings) == 0:
        raise ProtocolError("no embeddings to pool; expected at least 1")
    shares, owner = media_weights(names, belongs)
    if factors is not None:
        if not np.isfinite(factors).all():
            raise NumericalError("a detection score is NaN or infinite")
        shares = shares * factors
    numbers = np.unique(names)
    sums: np.ndarray | None = None
    for start, rows in iterate_rows(embeddings):
        block = _fuse(check_embeddings(rows, what=f"embeddings from row {start}"), flip)
        if weight == "unit":
            block /= np.linalg.norm(block, axis=1, keepdims=True)
        stop = start + len(block)
        block *= shares[start:stop, None]
        if sums is None:
            sums = np.zeros((len(numbers), block.shape[1]))
        _add(sums, owner[start:stop], block)
    assert sums is not None  # there is at least one row
    lengths = np.linalg.norm(sums, axis=1)
    if not lengths.all():
        raise NumericalError(f"template {numbers[np.argmin(lengths)]} adds up to zero; it has no direction")
    return numbers, (sums / lengths[:, None]).astype(np.float32)


def _fuse(rows: np.ndarray, flip: str) -> np.ndarray:
    block = rows.astype(np.float64)
    if flip == "none":
        return block
    if block.shape[1] % 2:
        raise ShapeError(f"embeddings have length {block.shape[1]}; flip {flip!r} needs two halves")
    half = block.shape[1] // 2
    return block[:, :half] + block[:, half:] if flip == "sum" else block[:, :half].copy()


def _add(sums: np.ndarray, owner: np.ndarray, block: np.ndarray) -> None:
    """``sums[owner[i]] += block[i]``; rows of one owner are added to each other first."""
    order = np.argsort(owner, kind="stable")
    codes, starts = np.unique(owner[order], return_index=True)
    sums[codes] += np.add.reduceat(block[order], starts, axis=0)


def template_rows(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Row of each wanted template, int32.

    Raises:
        ProtocolError: a list names a template that has no image.
    """
    out = np.empty(len(wanted), np.int32)
    for start in range(0, len(out), 1 << 20):  # lists may have many millions of entries
        part = np.asarray(wanted[start : start + (1 << 20)])
        rows = np.searchsorted(numbers, part).clip(max=len(numbers) - 1)
        missing = numbers[rows] != part
        if missing.any():
            lost = np.setdiff1d(wanted, numbers)
            raise ProtocolError(f"{len(lost)} templates of the list have no image, first {lost[0]}")
        out[start : start + len(part)] = rows
    return out
