"""Pixels for a cascade of small networks: an exact area pyramid, and many crops in one operation."""

from __future__ import annotations

import numpy as np


def scales(height: int, width: int, smallest: float, factor: float, cell: int = 12) -> np.ndarray:
    """The scales at which a detector with a ``cell`` x ``cell`` window looks at an image.

    Args:
        height: of the image.
        width: of the image.
        smallest: side of the smallest face looked for, in pixels.
        factor: ratio of one scale to the one before, between 0 and 1.
        cell: the window's side.

    Returns:
        (L,) float64, largest first; none when the image is smaller than the smallest face.

    >>> scales(250, 250, 20, 0.709).round(3).tolist()
    [0.6, 0.425, 0.302, 0.214, 0.152, 0.107, 0.076, 0.054]
    """
    first = cell / smallest
    # The mtcnn package counts levels by rounding a logarithm; at its setting, 20 pixels, that amounts to this.
    least = cell * max(1.0, 0.6 * factor**-1.5)
    levels = 0
    while min(height, width) * first * factor**levels > least:
        levels += 1
    return first * factor ** np.arange(levels)


class AreaPyramid:
    """Area-averaged reductions of a batch of equally large images, exact at any ratio.

    The image counts as constant over each pixel. Its integral, sampled linearly at the borders of the output
    pixels, gives every average by two differences, so one running sum serves all levels.

    Args:
        images: uint8 (N, H, W, 3).
    """

    def __init__(self, images: np.ndarray) -> None:
        count, height, width, channels = images.shape
        self.size = height, width
        # (3, N, H+1, W) running sums down the columns: at most 255 * 2^23 rows, exact in float64
        planes = images.transpose(3, 0, 1, 2)
        self._sums = np.zeros((channels, count, height + 1, width))
        np.cumsum(planes, axis=2, dtype=np.float64, out=self._sums[:, :, 1:])

    def level(self, scale: float) -> np.ndarray:
        """The images at ``scale``: float32 (N, 3, int(H * scale), int(W * scale)), 0..255."""
        height, width = (int(side * scale) for side in self.size)
        rows = _averages(self._sums, height, axis=2)
        sums = np.zeros((*rows.shape[:-1], self.size[1] + 1))
        np.cumsum(rows, axis=3, out=sums[..., 1:])
        return _averages(sums, width, axis=3).transpose(1, 0, 2, 3).astype(np.float32)


def _averages(sums: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Means over ``count`` equal stretches of an axis, from its running sums (one longer than the axis)."""
    length = sums.shape[axis] - 1
    at = np.arange(count + 1) * (length / count)
    low = np.minimum(at.astype(int), length - 1)
    share = (at - low).reshape([-1 if i == axis else 1 for i in range(sums.ndim)])
    first = sums.take(low, axis)
    first += share * (sums.take(low + 1, axis) - first)
    return np.diff(first, axis=axis) * (count / length)


def cut(images: np.ndarray, owner: np.ndarray, boxes: np.ndarray, side: int, fill: float = 127.5) -> np.ndarray:
    """Boxes of many images resized to squares, bilinear, in one operation.

    The corner samples lie on the box's corners, with the box shrunk by (size - 1) / size, as TensorFlow's
    ``crop_and_resize`` does with boxes divided by the image's size; the networks were tuned with it.

    Args:
        images: uint8 (N, H, W, 3).
        owner: (M,) which image each box belongs to.
        boxes: (M, 4) x1, y1, x2, y2 in pixels; may reach outside.
        side: of the crops.
        fill: what lies outside an image.

    Returns:
        float32 (M, 3, side, side).
    """
    _, height, width, channels = images.shape
    steps = np.linspace(0, 1, side)
    limits = np.array([width, height])
    shrunk = boxes.reshape(-1, 2, 2) * ((limits - 1) / limits)  # (M, corner, axis)
    axes = shrunk[:, :1] + steps[None, :, None] * (shrunk[:, 1:] - shrunk[:, :1])  # (M, side, axis)
    (x0, x1, fx, in_x), (y0, y1, fy, in_y) = (_taps(axes[..., i], limits[i]) for i in (0, 1))
    flat = images.reshape(-1, channels)
    base = owner.astype(np.int64)[:, None, None] * (height * width)
    rows = [base + y[:, :, None] * width for y in (y0, y1)]  # (M, side, 1) each
    top, bottom = (_mix(flat[row + x0[:, None]], flat[row + x1[:, None]], fx[:, None, :, None]) for row in rows)
    out = _mix(top, bottom, fy[:, :, None, None])  # (M, side, side, 3)
    inside = (in_y[:, :, None] & in_x[:, None, :])[..., None]
    return np.ascontiguousarray(np.where(inside, out, np.float32(fill)).transpose(0, 3, 1, 2))


def _taps(at: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper neighbour, the upper one's share, and what lies inside."""
    inside = (at >= 0) & (at <= length - 1)
    at = np.where(inside, at, 0)
    low = at.astype(np.int64)
    return low, np.minimum(low + 1, length - 1), (at - low).astype(np.float32), inside


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    first = a.astype(np.float32)
    first += share * (b - first)
    return first
