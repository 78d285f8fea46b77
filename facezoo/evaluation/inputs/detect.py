"""Landmarks of a protocol's photos by a detector, where no table of them is at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from facezoo.align.choose import choose
from facezoo.data.image import read_image
from facezoo.interfaces.detector import Detector

_GROUP = 64  # photos that go through the detector together


def detect_landmarks(
    root: str | Path, names: Sequence[str], detector: Detector, progress: Callable[[int], None] | None = None
) -> dict[str, np.ndarray]:
    """Landmarks of the face nearest to the middle of each photo, whom benchmark photos are of.

    Args:
        root: folder of the photos.
        names: their paths below it.
        detector: finds faces.
        progress: called with the number of photos done.

    Returns:
        name -> (5, 2) pixels; photos where no face was found are left out.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    found: dict[str, np.ndarray] = {}
    for low in range(0, len(names), _GROUP):
        part = names[low : low + _GROUP]
        images = [read_image(Path(root) / name) for name in part]
        for name, image, faces in zip(part, images, detector.detect_batch(images), strict=True):
            kept = choose(faces, "central", *image.shape[:2])
            if kept:
                found[name] = kept[0].landmarks
        if progress is not None:
            progress(low + len(part))
    return found
