"""Interface of face detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Face:
    """One face found in an image.

    Attributes:
        box: (4,) float32, x1, y1, x2, y2 in pixels of the upright image; may reach past the border.
        landmarks: (5, 2) float32, x, y of left eye, right eye, nose, left and right mouth corner, left and
            right as seen in the image.
        score: 0..1.
    """

    box: np.ndarray
    landmarks: np.ndarray
    score: float


class Detector(ABC):
    """Finds faces and their five landmarks.

    Attributes:
        name: shown in reports.
    """

    name: str = "detector"

    @abstractmethod
    def detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Faces of each image, highest score first.

        Args:
            images: uint8 RGB arrays (H, W, 3), each of its own size.
        """

    def detect(self, image: Any) -> list[Face]:
        """Faces of one image: a path, a PIL image or a uint8 RGB array (H, W, 3)."""
        from facezoo.data.image import read_image

        return self.detect_batch([read_image(image)])[0]
