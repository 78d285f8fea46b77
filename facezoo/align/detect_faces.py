"""From decoded photos to the chosen faces in each: used by ``align``, ``embed``, ``identify`` and ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from facezoo.align.choose import check_rule, choose
from facezoo.align.landmark_file import LandmarkFile
from facezoo.interfaces.detector import Detector, Face

HELD_PIXELS = 8_000_000  # photos are decoded and detected together up to this sum of their pixels


@dataclass(frozen=True)
class PhotoFaces:
    """A photo and its faces.

    Attributes:
        key: the name of the photo.
        pixels: uint8 RGB (H, W, 3).
        count: number of faces found with at least the minimum score.
        chosen: the faces that the rule keeps; empty if there are none.
    """

    key: str
    pixels: np.ndarray
    count: int
    chosen: list[Face]


def detect_faces(
    photos: Iterable[tuple[str, np.ndarray]],
    detector: Detector | LandmarkFile,
    rule: str,
    *,
    min_score: float = 0.0,
    held_pixels: int = HELD_PIXELS,
) -> Iterator[PhotoFaces]:
    """Find and choose faces; photos stay in order.

    Photos are read until they hold ``held_pixels``, at least one, and go through the detector together. So the memory
    is bounded by that number and the size of one photo, whatever the number of photos.

    Args:
        photos: (key, uint8 RGB (H, W, 3)), best from a generator that decodes them.
        detector: finds the faces, or a file that holds their landmarks by key.
        rule: see :func:`facezoo.align.choose.choose`.
        min_score: faces with a lower score are left out, 0..1.
        held_pixels: 1 or more.

    Raises:
        UnknownNameError: there is no such rule.
    """
    check_rule(rule)
    return _find(photos, _Finder(detector, rule, min_score), held_pixels)


def _find(photos: Iterable[tuple[str, np.ndarray]], finder: _Finder, held_pixels: int) -> Iterator[PhotoFaces]:
    group: list[tuple[str, np.ndarray]] = []
    held = 0
    for key, pixels in photos:
        group.append((key, pixels))
        held += pixels.shape[0] * pixels.shape[1]
        if held >= held_pixels:
            yield from finder.find(group)
            group, held = [], 0
    if group:
        yield from finder.find(group)


@dataclass(frozen=True)
class _Finder:
    detector: Detector | LandmarkFile
    rule: str
    min_score: float

    def find(self, group: list[tuple[str, np.ndarray]]) -> Iterator[PhotoFaces]:
        if isinstance(self.detector, LandmarkFile):
            found = [self.detector.find(key) for key, _ in group]
        else:
            found = self.detector.detect_batch([pixels for _, pixels in group])
        for (key, pixels), faces in zip(group, found, strict=True):
            kept = [face for face in faces if face.score >= self.min_score]
            yield PhotoFaces(key, pixels, len(kept), choose(kept, self.rule, *pixels.shape[:2]))
