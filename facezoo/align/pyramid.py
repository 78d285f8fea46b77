"""Input of the networks of a cascade: an exact area pyramid, and many crops in one operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array


def scales(height: int, width: int, smallest: float, factor: float, cell: int = 12) -> np.ndarray:
    """The scales at which a detector with a ``cell`` x ``cell`` window scans an image.

    Args:
        height: of the image.
        width: of the image.
        smallest: side of the smallest face to detect, in pixels.
        factor: ratio of each scale to the previous one, between 0 and 1.
        cell: side of the window.

    Returns:
        (L,) float64, largest first; empty if the image is smaller than the smallest face.

    >>> scales(250, 250, 20, 0.709).round(3).tolist()
    [0.6, 0.425, 0.302, 0.214, 0.152, 0.107, 0.076, 0.054]
    """
    first = cell / smallest
    # The mtcnn package rounds a logarithm to count levels; for its default of 20 pixels this is equivalent.
    least = cell * max(1.0, 0.6 * factor**-1.5)
    levels = 0
    while min(height, width) * first * factor**levels > least:
        levels += 1
    return first * factor ** np.arange(levels)


class AreaPyramid:
    """Area-averaged reductions of a batch of images of equal size, exact for any ratio.

    Each output pixel is the mean over its rectangle of the image, which is constant within each input pixel. This is
    one sparse matrix per axis.

    Args:
        images: uint8 (N, H, W, 3).
    """

    def __init__(self, images: np.ndarray) -> None:
        self.size = images.shape[1:3]
        # rows are the first axis, so that one sparse product reduces those of all images
        self._rows = np.ascontiguousarray(images.transpose(1, 0, 2, 3), np.float32)  # (H, N, W, 3)

    def level(self, scale: float) -> np.ndarray:
        """The images at ``scale``: float32 (N, int(H * scale), int(W * scale), 3), 0..255."""
        height, width = (int(side * scale) for side in self.size)
        rows = _reduce(self._rows, height)  # (h, N, W, 3)
        columns = _reduce(np.ascontiguousarray(rows.transpose(2, 1, 0, 3)), width)  # (w, N, h, 3)
        return np.ascontiguousarray(columns.transpose(1, 2, 0, 3))


def _reduce(pixels: np.ndarray, count: int) -> np.ndarray:
    flat = _averaging(len(pixels), count) @ pixels.reshape(len(pixels), -1)
    return flat.reshape(count, *pixels.shape[1:])


@lru_cache(maxsize=256)
def _averaging(length: int, count: int) -> csr_array:
    """The matrix (count, length) that averages over ``count`` equal intervals of ``length`` pixels."""
    borders = np.arange(count + 1) * (length / count)
    first = np.floor(borders[:-1]).astype(int)
    taps = int(np.ceil(length / count)) + 1
    column = first[:, None] + np.arange(taps)  # (count, taps)
    share = np.minimum(column + 1, borders[1:, None]) - np.maximum(column, borders[:-1, None])
    share = np.where(column < length, share.clip(0), 0) * (count / length)
    matrix = csr_array(
        (share.ravel().astype(np.float32), column.clip(0, length - 1).ravel(), np.arange(count + 1) * taps),
        shape=(count, length),
    )
    matrix.eliminate_zeros()
    return matrix


def cut(images: np.ndarray, owner: np.ndarray, boxes: np.ndarray, side: int, fill: float = 127.5) -> np.ndarray:
    """Boxes of many images, resized to squares by bilinear interpolation in one operation.

    The corner samples are at the corners of the box, scaled by (size - 1) / size, as in TensorFlow's
    ``crop_and_resize`` for boxes divided by the size of the image, which the mtcnn package uses.

    Args:
        images: (N, H, W), four uint8 channels packed in a uint32: see :func:`packed`.
        owner: (M,), the index of the image of each box.
        boxes: (M, 4), x1, y1, x2, y2 in pixels; may extend beyond the image.
        side: of the crops, in pixels.
        fill: value of pixels outside the image.

    Returns:
        float32 (M, side, side, 3).
    """
    _, height, width = images.shape
    limits = np.array([width, height])
    shrunk = boxes.reshape(-1, 2, 2) * ((limits - 1) / limits)  # (M, corner, axis)
    steps = np.linspace(0, 1, side)
    axes = shrunk[:, :1] + steps[None, :, None] * (shrunk[:, 1:] - shrunk[:, :1])  # (M, side, axis)
    (x0, x1, fx, in_x), (y0, y1, fy, in_y) = (_taps(axes[..., i], limits[i]) for i in (0, 1))
    base = owner.astype(np.int64)[:, None] * height
    flat = images.reshape(-1)
    rows = [((base + y) * width)[:, :, None] for y in (y0, y1)]  # (M, side, 1) each
    taps = [np.take(flat, row + x[:, None]) for row in rows for x in (x0, x1)]
    out = bilinear(taps, fx[:, None], fy[:, :, None])  # (M, side, side, 3)
    if not (in_x.all() and in_y.all()):
        out[~(in_y[:, :, None] & in_x[:, None, :])] = fill
    return out


def packed(images: np.ndarray) -> np.ndarray:
    """RGB images uint8 (N, H, W, 3) as uint32 (N, H, W), which is faster to gather."""
    wide = np.zeros((*images.shape[:3], 4), np.uint8)
    wide[..., :3] = images
    return wide.view(np.uint32)[..., 0]


def bilinear(taps: Sequence[np.ndarray], across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Bilinear interpolation between four pixels: upper left, upper right, lower left, lower right.

    It loops over channels, because an operation with an innermost axis of length three is ten times as slow.

    Args:
        taps: four arrays of pixels packed in uint32, of equal shape.
        across: float32 weights of the right pixels, that broadcast to the shape.
        down: float32 weights of the lower pixels.

    Returns:
        float32, of that shape and three channels.
    """
    out = np.empty((*taps[0].shape, 3), np.float32)
    four = [tap.view(np.uint8).reshape(*tap.shape, 4) for tap in taps]
    for channel in range(3):
        upper, right, lower, last = (tap[..., channel].astype(np.float32) for tap in four)
        upper += across * (right - upper)
        lower += across * (last - lower)
        lower -= upper
        lower *= down
        np.add(upper, lower, out=out[..., channel])
    return out


def _taps(at: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper index, weight of the upper one, and which positions are inside."""
    inside = (at >= 0) & (at <= length - 1)
    at = np.where(inside, at, 0)
    low = at.astype(np.int64)
    return low, np.minimum(low + 1, length - 1), (at - low).astype(np.float32), inside
