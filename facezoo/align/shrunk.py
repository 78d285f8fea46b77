"""Detection in large photos at a smaller size; for uses that need the largest face, not every small one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from facezoo.interfaces.detector import Detector, Face

MOST = 4_000_000  # pixels; a photo with more is shrunk to this number


class ShrunkDetector(Detector):
    """Finds faces in a smaller copy of a large photo, and in the photo itself only if the copy shows none.

    Boxes and landmarks are in pixels of the photo. Time and memory are those of the smaller copy; faces that are small
    for the size of the photo may not be found.

    Args:
        detector: finds the faces.
        most: pixels; photos with more are shrunk.
    """

    def __init__(self, detector: Detector, most: int = MOST) -> None:
        self.detector, self.most, self.name = detector, most, detector.name

    def detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """See :meth:`facezoo.interfaces.detector.Detector.detect_batch`."""
        smaller = [self._smaller(image) for image in images]
        found = self.detector.detect_batch(smaller)
        answers = []
        for image, copy, faces in zip(images, smaller, found, strict=True):
            if copy is image:
                answers.append(faces)
            elif faces:
                scale = np.array([image.shape[1] / copy.shape[1], image.shape[0] / copy.shape[0]], np.float32)
                answers.append([_scaled(face, scale) for face in faces])
            else:
                answers.append(self.detector.detect_batch([image])[0])
        return answers

    def _smaller(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        if height * width <= self.most:
            return image
        factor = math.sqrt(self.most / (height * width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def _scaled(face: Face, scale: np.ndarray) -> Face:
    """A face in a photo that is larger by the factors (x, y)."""
    return Face(face.box * np.tile(scale, 2), face.landmarks * scale, face.score)
