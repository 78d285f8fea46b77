"""Landmarks of a protocol's photos from a detector, for data without a table of landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facezoo.align.detect_faces import detect_faces
from facezoo.data.image import read_image
from facezoo.interfaces.detector import Detector
from facezoo.io.progress import OnProgress, ignore_progress


def detect_landmarks(
    root: str | Path, names: Sequence[str], detector: Detector, on_progress: OnProgress = ignore_progress
) -> dict[str, np.ndarray]:
    """Landmarks of the face nearest to the centre of each photo, because benchmark photos are centred on their person.

    Args:
        root: folder of the photos.
        names: paths of the photos below ``root``.
        detector: finds faces.
        on_progress: called with the number of photos done and their total.

    Returns:
        name -> (5, 2) pixels; photos without a face are left out.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    landmarks: dict[str, np.ndarray] = {}
    photos = ((name, read_image(Path(root) / name)) for name in names)
    for done, photo in enumerate(detect_faces(photos, detector, "central"), 1):
        if photo.chosen:
            landmarks[photo.key] = photo.chosen[0].landmarks
        on_progress(done, len(names))
    return landmarks
