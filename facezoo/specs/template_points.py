"""The positions of the five landmarks in an aligned crop of 112 x 112 pixels."""

from __future__ import annotations

import numpy as np

# x and y of left eye, right eye, nose, left and right mouth corner, as seen in the image; integers are pixel centres
ARCFACE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def points_in(size: tuple[int, int]) -> np.ndarray:
    """The landmarks (5, 2) in a crop of another size (H, W): the middle of a square crop that was scaled.

    The crop of 112 x 96 is that of the template ``sphereface96x112``.

    >>> bool((points_in((224, 224)) == 2 * ARCFACE).all())
    True
    """
    scale = max(size) / 112
    return (ARCFACE - 56.0) * scale + np.array([size[1], size[0]]) / 2
