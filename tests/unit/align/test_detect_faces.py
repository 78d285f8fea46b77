"""Photos are decoded and detected together up to a number of pixels, and the faces are chosen by a rule."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.align.detect_faces import detect_faces
from facezoo.align.landmark_file import LandmarkFile
from facezoo.errors import UnknownNameError
from facezoo.interfaces.detector import Detector, Face


class Counting(Detector):
    """One face per 10 rows of the photo; records the sizes of its batches."""

    def __init__(self):
        self.batches = []

    def detect_batch(self, images):
        self.batches.append(len(images))
        landmarks = np.arange(10, dtype=np.float32).reshape(5, 2)
        return [
            [Face(np.float32([0, 0, 10 + side, 10]), landmarks, 1 - side / 10) for side in range(len(image) // 10)]
            for image in images
        ]


def photos(*heights, decoded=None):
    for number, height in enumerate(heights):
        if decoded is not None:
            decoded.append(number)
        yield str(number), np.zeros((height, 10, 3), np.uint8)


def test_memory_is_bounded_by_pixels_and_order_is_kept():
    detector, decoded, ahead = Counting(), [], []
    found = []
    for photo in detect_faces(photos(10, 10, 10, 50, 10, decoded=decoded), detector, "largest", held_pixels=200):
        found.append(photo.key)
        ahead.append(len(decoded) - len(found))
    assert found == ["0", "1", "2", "3", "4"]
    assert detector.batches == [2, 2, 1]
    assert max(ahead) == 1  # photos decoded and not yet handed on, besides the current one


def test_a_photo_above_the_limit_goes_alone():
    detector = Counting()
    assert len(list(detect_faces(photos(90, 90, 90), detector, "largest", held_pixels=1))) == 3
    assert detector.batches == [1, 1, 1]


def test_rule_and_minimum_score():
    (photo,) = detect_faces(photos(30), Counting(), "largest", min_score=0.85)
    assert photo.count == 2
    assert [round(face.score, 1) for face in photo.chosen] == [0.9]
    (photo,) = detect_faces(photos(30), Counting(), "all")
    assert [round(face.score, 1) for face in photo.chosen] == [0.8, 0.9, 1.0]
    (photo,) = detect_faces(photos(5), Counting(), "central")
    assert (photo.count, photo.chosen) == (0, [])


def test_landmarks_from_a_file(tmp_path):
    (tmp_path / "points.csv").write_text("1," + ",".join(map(str, range(1, 11))) + "\n")
    found = list(detect_faces(photos(10, 10), LandmarkFile(tmp_path / "points.csv"), "largest"))
    assert [photo.count for photo in found] == [0, 1]
    assert found[1].chosen[0].landmarks.ravel().tolist() == list(range(1, 11))


def test_an_unknown_rule_is_an_error_before_a_photo_is_decoded():
    decoded = []
    with pytest.raises(UnknownNameError, match="unknown choice of face 'smallest'"):
        detect_faces(photos(10, decoded=decoded), Counting(), "smallest")
    assert not decoded
