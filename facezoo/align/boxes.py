"""Operations on the boxes of a detector: regression, squares, overlap, suppression, in float64 NumPy.

A box is x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_BLOCK = 512  # rows of the overlap matrix in memory at once, for images with many faces


def overlap(a: np.ndarray, b: np.ndarray, method: str = "union") -> np.ndarray:
    """Intersection over union, or over the smaller area.

    Args:
        a: (N, 4).
        b: (M, 4).
        method: "union" or "min".

    Returns:
        (N, M), 0..1; 0 where both boxes are empty.

    >>> overlap(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).tolist()
    [[0.333]]
    """
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    common = width.clip(0) * height.clip(0)  # (N, M)
    area_a, area_b = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b))
    smaller = np.minimum(area_a[:, None], area_b[None])
    whole = smaller if method == "min" else area_a[:, None] + area_b[None] - common
    return np.divide(common, whole, out=np.zeros_like(common), where=whole > 0)


def suppress(boxes: np.ndarray, threshold: float, groups: np.ndarray, method: str = "union") -> np.ndarray:
    """Non-maximum suppression: keep boxes that no better box of their group overlaps by more than ``threshold``.

    As in the ``mtcnn`` package, a suppressed box still suppresses others, so that no loop is needed. The usual greedy
    rule keeps a few more boxes.

    Args:
        boxes: (N, 4), best first.
        threshold: of the overlap, 0..1.
        groups: (N,) integers: boxes of different groups (image, pyramid level) are not compared.
        method: as in :func:`overlap`.

    Returns:
        (N,) bool, which boxes to keep.
    """
    keep = np.ones(len(boxes), bool)
    order = np.argsort(groups, kind="stable")  # within a group, best first
    starts = np.flatnonzero(np.diff(groups[order], prepend=np.nan, append=np.nan))
    for start, stop in pairwise(starts):
        member = order[start:stop]
        for low in range(0, len(member), _BLOCK):
            rows = member[low : low + _BLOCK]
            better = member[: low + len(rows)]
            beaten = overlap(boxes[rows], boxes[better], method) > threshold  # (rows, better)
            keep[rows] = ~np.tril(beaten, low - 1).any(axis=1)
    return keep


def square(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) extended to squares around their centres: the shorter side becomes the longer one."""
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    corner = (boxes[:, :2] + boxes[:, 2:] - side) / 2
    return np.concatenate([corner, corner + side], axis=1)


def regress(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) moved by the offsets of a network (N, 4), in units of the box side (x2 - x1 + 1)."""
    side = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(side, 2)


def place_landmarks(boxes: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Landmarks (N, 5, 2) in pixels, from O-Net's coordinates relative to the box."""
    side = boxes[:, 2:] - boxes[:, :2] + 1
    return relative * side[:, None] + boxes[:, None, :2] - 1


def clip(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes (N, 4) clipped to the outermost pixel centres of the image."""
    return np.clip(boxes, 0, np.array([width - 1, height - 1] * 2))
