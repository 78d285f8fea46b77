"""Drawing detected faces on a photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facezoo.interfaces.detector import Face

BOX, LABEL, POINT = (0, 230, 118), (0, 0, 0), (255, 64, 64)
LEAST_SIDE = 640  # smaller photos are enlarged, so that the labels fit


def draw_faces(pixels: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """A photo with boxes, landmarks and scores.

    Lines, dots and text grow with the photo. The scores stand on a dark field, above the box where there is room.

    Args:
        pixels: uint8 RGB (H, W, 3).
        faces: the faces of the photo.

    Returns:
        A new uint8 RGB (H', W', 3): the photo, enlarged by an integer where its larger side is below 640 pixels.
    """
    factor = max(1, -(-LEAST_SIDE // max(pixels.shape[:2])))
    image = Image.fromarray(pixels)
    if factor > 1:
        image = image.resize((factor * image.width, factor * image.height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    unit = max(image.size) / 1000
    for face in faces:
        box = [float(value) * factor for value in face.box]
        side = min(box[2] - box[0], box[3] - box[1])
        line = max(2, round(min(2.5 * unit, side / 24)))
        _outline(draw, box, line)
        dot = max(2.0, min(4 * unit, side / 22))
        for x, y in face.landmarks.astype(float) * factor:
            draw.ellipse([x - dot - 1, y - dot - 1, x + dot + 1, y + dot + 1], fill=(255, 255, 255))
            draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=POINT)
    for face in faces:  # last, so that no other face's box crosses a score
        _label(draw, image.size, [float(value) * factor for value in face.box], f"{face.score:.3f}", unit)
    return np.asarray(image)


def _outline(draw: ImageDraw.ImageDraw, box: list[float], line: int) -> None:
    """A rectangle with a dark border outside of it, visible on light and dark skin and walls."""
    draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=LABEL, width=line + 2)
    draw.rectangle(box, outline=BOX, width=line)


def _label(draw: ImageDraw.ImageDraw, size: tuple[int, int], box: list[float], text: str, unit: float) -> None:
    # a box of a few pixels gets a small label, yet one that can be read
    font: Any = ImageFont.load_default(max(11.0, min(22 * unit, (box[2] - box[0]) / 3)))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    room = max(2, round(0.15 * (bottom - top)))
    width, height = right - left + 2 * room, bottom - top + 2 * room
    x = min(max(0.0, box[0]), size[0] - width)
    y = box[1] - height if box[1] >= height else min(box[3], size[1] - height)
    draw.rectangle([x, y, x + width, y + height], fill=LABEL)
    draw.text((x + room - left, y + room - top), text, fill=BOX, font=font)
