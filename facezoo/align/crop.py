"""Aligned crops. All parts of the library use this warp.

It is written in NumPy, so that the crops do not depend on the backend. Coordinates are those of the templates: integers
are pixel centres. Pixels outside the image are black.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from facezoo.align.pyramid import bilinear
from facezoo.align.templates import Template, get_template
from facezoo.align.transform import invert, scale_of, similarity
from facezoo.errors import ShapeError

# Up to this number of source pixels per crop pixel, bilinear sampling uses all of them.
_PLAIN = 2.0


def align_face(image: Any, landmarks: np.ndarray, template: str | Template = "arcface112") -> np.ndarray:
    """Crop the face with these landmarks, aligned to a template by a similarity transform.

    Args:
        image: a path, a PIL image or a uint8 RGB array (H, W, 3).
        landmarks: (5, 2), x and y in pixels of left eye, right eye, nose, left and right mouth corner, where left and
            right are those of the image.
        template: the name of a template, or a ``Template``.

    Returns:
        uint8 RGB, of the template's size: (112, 112, 3) for "arcface112".

    Raises:
        UnknownNameError: there is no such template.
        ShapeError: the landmarks have another shape, are not finite, or are all the same point.
        ImageError: the image cannot be read.

    >>> align_face(np.zeros((250, 250, 3), np.uint8), get_template("arcface112").points + 40).shape
    (112, 112, 3)
    """
    from facezoo.data.image import read_image

    frame = get_template(template) if isinstance(template, str) else template
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2):
        raise ShapeError(f"landmarks have shape {points.shape}; expected (5, 2)")
    return warp(read_image(image), similarity(points, frame.points), frame.size)


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A crop through a similarity transform, without aliasing.

    Up to 2 source pixels per crop pixel the sampling is bilinear. Above that, two levels of a box-filtered pyramid are
    interpolated, so that the crop of a large face changes continuously with its scale.

    Args:
        image: uint8 (H, W, 3).
        matrix: (2, 3), from image to crop coordinates.
        size: (H, W) of the crop.

    Returns:
        uint8 (H, W, 3).
    """
    back = invert(np.asarray(matrix, np.float64))
    level = max(0.0, math.log2(scale_of(back) / _PLAIN))
    low = int(level)
    pixels = _sample(image, back, size, 2**low)
    if level > low:
        pixels += (level - low) * (_sample(image, back, size, 2 ** (low + 1)) - pixels)
    return (pixels + 0.5).astype(np.uint8)


def _sample(image: np.ndarray, back: np.ndarray, size: tuple[int, int], factor: int) -> np.ndarray:
    """Bilinear samples of the image reduced ``factor`` times, as float32 (H, W, 3)."""
    window, origin = _window(image, back, size, factor)
    back = back / factor
    back[:, 2] -= origin + (factor - 1) / (2 * factor)
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])[None]
    x, y = (row[0] * columns + row[1] * rows + row[2] for row in back)  # (H, W) each
    height, width = window.shape
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)  # into the black border
    x0 = np.minimum(x.astype(np.int32), width - 2)
    y0 = np.minimum(y.astype(np.int32), height - 2)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    index = y0 * width + x0
    return bilinear([np.take(window, index + step) for step in (0, 1, width, width + 1)], fx, fy)


def _window(image: np.ndarray, back: np.ndarray, size: tuple[int, int], factor: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of the reduced image that the crop needs, with a black border, and its origin (x, y).

    The bytes of a pixel are packed in one uint32, which is faster to gather than three bytes.
    """
    corners = np.array([[0, 0], [size[1], 0], [0, size[0]], [size[1], size[0]]])
    reach = corners @ back[:, :2].T + back[:, 2]
    height, width = image.shape[:2]
    grid = np.array([-(-width // factor), -(-height // factor)])
    first = np.clip(np.floor(reach.min(0) / factor) - 2, 0, grid - 1).astype(int)
    last = np.clip(np.ceil(reach.max(0) / factor) + 2, first + 1, grid).astype(int)
    part = image[first[1] * factor : last[1] * factor, first[0] * factor : last[0] * factor]
    if factor > 1:
        part = np.asarray(Image.fromarray(np.ascontiguousarray(part)).reduce(factor))
    window = np.zeros((part.shape[0] + 2, part.shape[1] + 2, 4), np.uint8)
    window[1:-1, 1:-1, :3] = part
    return window.view(np.uint32)[..., 0], first - 1
