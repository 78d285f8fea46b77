"""Triangles to pixels: which point of a texture each pixel of an image shows."""

from __future__ import annotations

import numpy as np

_SEAM = 1e-5  # by which triangles overlap, so that rounding leaves no gap between them


def rasterise(
    points: np.ndarray, depth: np.ndarray, values: np.ndarray, triangles: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate values over the visible pixels of a mesh; of several surfaces on a pixel the nearest is shown.

    Triangles that are seen from behind are left out.

    Args:
        points: (V, 2) x and y in pixels; integers are pixel centres.
        depth: (V,), larger is nearer.
        values: (V, A) to be interpolated.
        triangles: int (T, 3), clockwise in the image where they face the viewer (y points down).
        size: (H, W) of the image.

    Returns:
        The visible pixels, int (n,), as y * W + x, and their values (n, A).
    """
    height, width = size
    corners = points[triangles]  # (T, 3, 2)
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    kept = area > 1e-6
    triangles, corners, ab, ac, area = (item[kept] for item in (triangles, corners, ab, ac, area))
    low = np.ceil(corners.min(axis=1)).astype(np.int64)  # (T, 2) first pixel of each triangle
    spans = np.floor(corners.max(axis=1)).astype(np.int64) - low + 1
    kept = (spans > 0).all(axis=1) & (low < [width, height]).all(axis=1) & (low + spans > 0).all(axis=1)
    triangles, corners, ab, ac, area, low = (item[kept] for item in (triangles, corners, ab, ac, area, low))
    if not len(triangles):
        return np.zeros(0, np.int64), np.zeros((0, values.shape[1]))
    across, down = (int(span) for span in spans[kept].max(axis=0))  # of the window in which each triangle is searched
    # offsets from the first corner are small numbers, so that float32 is exact enough
    ab, ac = ((side / area[:, None]).astype(np.float32) for side in (ab, ac))
    start = (corners[:, 0] - low).astype(np.float32)
    right, below = (np.arange(n, dtype=np.float32) - start[:, axis, None] for axis, n in enumerate((across, down)))
    second = (right * ac[:, 1:])[:, None, :] - (below * ac[:, :1])[:, :, None]  # (T, down, across)
    third = (below * ab[:, :1])[:, :, None] - (right * ab[:, 1:])[:, None, :]
    first = 1 - second - third
    at = np.flatnonzero(np.minimum(np.minimum(second, third), first) >= -_SEAM)
    which, inner = np.divmod(at, down * across)
    x, y = low[which, 0] + inner % across, low[which, 1] + inner // across
    kept = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    at, which, place = at[kept], which[kept], (y * width + x)[kept]
    weights = np.stack([part.ravel()[at] for part in (first, second, third)], axis=1)
    corner = triangles[which]  # (n, 3)
    near: np.ndarray | slice = slice(None)
    if np.ptp(depth) > 0:
        near = np.argsort(np.einsum("nc,nc->n", weights, depth[corner]), kind="stable")  # the nearest last
    nearest = np.full(height * width, -1)
    nearest[place[near]] = np.arange(len(place))[near]  # of equal indices the last value stays
    shown = np.flatnonzero(nearest >= 0)
    chosen = nearest[shown]
    return shown, np.einsum("nc,nca->na", weights[chosen], values[corner[chosen]])


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    """Triangles (2 (rows-1) (columns-1), 3) of a grid of vertices numbered row by row, clockwise with y down."""
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)])


def sample(texture: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Bilinear values (n, A) of a texture (H, W, A) at (n, 2) x and y in its pixels; edges are repeated."""
    height, width = texture.shape[:2]
    x, y = np.clip(at[:, 0], 0, width - 1.001), np.clip(at[:, 1], 0, height - 1.001)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, down = (x - left)[:, None].astype(np.float32), (y - top)[:, None].astype(np.float32)
    flat, first = texture.reshape(height * width, -1), top * width + left
    upper = flat[first] * (1 - right) + flat[first + 1] * right
    lower = flat[first + width] * (1 - right) + flat[first + width + 1] * right
    return upper * (1 - down) + lower * down
