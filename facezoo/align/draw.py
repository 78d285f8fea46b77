"""Drawing detected faces on a photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from facezoo.interfaces.detector import Face


def draw_faces(pixels: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """A photo with boxes, landmarks and scores.

    Args:
        pixels: uint8 RGB (H, W, 3).
        faces: the faces of the photo.

    Returns:
        A new uint8 RGB (H, W, 3).
    """
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    line = max(1, round(max(pixels.shape) / 500))
    for face in faces:
        draw.rectangle([float(value) for value in face.box], outline=(0, 255, 0), width=line)
        for x, y in face.landmarks.astype(float):
            draw.ellipse([x - line, y - line, x + line, y + line], fill=(255, 0, 0))
        draw.text((float(face.box[0]), float(face.box[1]) - 11), f"{face.score:.3f}", fill=(0, 255, 0))
    return np.asarray(image)
