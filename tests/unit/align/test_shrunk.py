"""Large photos are searched at a smaller size; boxes and landmarks are those of the photo."""

from __future__ import annotations

import numpy as np

from facezoo.align.shrunk import ShrunkDetector
from facezoo.interfaces.detector import Detector, Face


class Bright(Detector):
    """Finds the bright rectangle of a photo, if it has ``least`` columns."""

    name = "bright"

    def __init__(self, least=1):
        self.least, self.seen = least, []

    def detect_batch(self, images):
        answers = []
        for image in images:
            self.seen.append(image.shape[:2])
            rows, columns = np.nonzero(image[..., 0] > 127)
            if len(np.unique(columns)) < self.least:
                answers.append([])
                continue
            x1, x2, y1, y2 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
            points = np.float32([[x1, y1], [x2, y1], [(x1 + x2) / 2, (y1 + y2) / 2], [x1, y2], [x2, y2]])
            answers.append([Face(np.float32([x1, y1, x2, y2]), points, 0.9)])
        return answers


def photo(height, width, box):
    pixels = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = box
    pixels[y1:y2, x1:x2] = 255
    return pixels


def test_large_photos_are_searched_at_a_smaller_size():
    large, small = photo(400, 800, (200, 100, 280, 180)), photo(50, 60, (10, 10, 30, 30))
    detector = Bright()
    found = ShrunkDetector(detector, most=5000).detect_batch([large, small])
    assert detector.seen == [(50, 100), (50, 60)]
    np.testing.assert_allclose(found[0][0].box, [200, 100, 280, 180], atol=8)
    np.testing.assert_allclose(found[0][0].landmarks[2], [240, 140], atol=8)
    assert found[1][0].box.tolist() == [10, 10, 30, 30]
    assert [faces[0].score for faces in found] == [0.9, 0.9]


def test_a_photo_whose_copy_shows_no_face_is_searched_itself():
    large = photo(400, 800, (200, 100, 230, 180))
    detector = Bright(least=20)
    (faces,) = ShrunkDetector(detector, most=5000).detect_batch([large])
    assert detector.seen == [(50, 100), (400, 800)]
    assert faces[0].box.tolist() == [200, 100, 230, 180]
    assert ShrunkDetector(Bright(least=50), most=5000).detect_batch([large]) == [[]]
