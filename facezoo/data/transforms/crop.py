"""The central crop: how an image without landmarks becomes the size that a network takes."""

from __future__ import annotations

import numpy as np
from PIL import Image


def central_crop(image: np.ndarray, size: tuple[int, int], share: float = 1.0) -> np.ndarray:
    """The central part of an image, resized without changing its aspect ratio.

    Training, validation, evaluation and inference use it, so that all of them show a face in the same geometry.

    Args:
        image: uint8 (H, W, 3).
        size: (H, W) of the result.
        share: share of the sides of the image to keep, in (0, 1].
    """
    height, width = image.shape[:2]
    scale = min(height * share / size[0], width * share / size[1])
    tall, wide = size[0] * scale, size[1] * scale
    if (tall, wide) == (height, width) == size:
        return image
    box = ((width - wide) / 2, (height - tall) / 2, (width + wide) / 2, (height + tall) / 2)
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box))
