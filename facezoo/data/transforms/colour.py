"""Colour changes of an image as one affine map of RGB, composed step by step and applied once."""

from __future__ import annotations

import numpy as np
from PIL import Image

from facezoo.specs.preprocess import LUMA

# Weights of R, G and B in grey, and the YIQ axes, in which a hue is a rotation.
GREY = np.array(LUMA)
_TO_YIQ = np.array([GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
# Principal components of the RGB values of ImageNet (Krizhevsky et al. 2012), standard deviations on a scale of 0..255.
_PCA_AXES = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
_PCA_SIZES = np.array([55.46, 4.794, 1.148])


class ColourChange:
    """``rgb -> matrix @ rgb + offset``, clipped to 0..255 once, when it is applied.

    Args:
        mean: float (3,), the image's mean RGB, around which contrast changes.
    """

    def __init__(self, mean: np.ndarray) -> None:
        self.mean = mean
        self.matrix = np.eye(3)
        self.offset = np.zeros(3)

    def _then(self, matrix: np.ndarray) -> None:
        self.matrix = matrix @ self.matrix
        self.offset = matrix @ self.offset

    def brightness(self, factor: float) -> None:
        """Multiply all values by ``factor``."""
        self.matrix, self.offset = self.matrix * factor, self.offset * factor

    def contrast(self, factor: float) -> None:
        """Multiply the distance from the mean grey, after the changes so far, by ``factor``."""
        grey = GREY @ (self.matrix @ self.mean + self.offset)
        self.matrix = self.matrix * factor
        self.offset = self.offset * factor + (1.0 - factor) * grey

    def saturation(self, factor: float) -> None:
        """Multiply the distance of each pixel from its own grey by ``factor``; 0 gives a grey image."""
        self._then(factor * np.eye(3) + (1.0 - factor) * GREY)

    def hue(self, factor: float) -> None:
        """Rotate by ``(factor - 1) * 180`` degrees around the grey axis; luminance stays."""
        angle = (factor - 1.0) * np.pi
        cos, sin = np.cos(angle), np.sin(angle)
        self._then(_FROM_YIQ @ np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]]) @ _TO_YIQ)

    def pca_noise(self, weights: np.ndarray) -> None:
        """Add the three principal components, with ``weights`` (3,) times their deviations, to every pixel."""
        self.offset = self.offset + _PCA_AXES @ (weights * _PCA_SIZES)

    def apply(self, image: Image.Image) -> Image.Image:
        """The changed RGB image; the same object if nothing changes."""
        table = np.column_stack([self.matrix, self.offset])  # (3, 4)
        if np.array_equal(table, np.eye(3, 4)):
            return image
        return image.convert("RGB", tuple(table.ravel().tolist()))
