"""Both backends find what the ``mtcnn`` package finds in real photos; crops differ by at most one grey level.

The expected boxes are integers, since that package rounds; ours are rounded the same way for the comparison.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import facezoo
from facezoo import backends
from facezoo.align.boxes import overlap
from facezoo.data.image import read_image

POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
FEW = ("obama_a.jpg", "exif_6.jpg", "noface_coffee.jpg", "dlib_faces_2008_002079.jpg", "ultra_imgs_10.jpg")
BY_HAND = {"gray16.png"}  # the package got it clipped to white and found nothing


@pytest.fixture(scope="module")
def data():
    if "FACEZOO_TEST_DATA" not in os.environ:
        pytest.skip("FACEZOO_TEST_DATA is not set: the folder with data/ and golden/")
    return Path(os.environ["FACEZOO_TEST_DATA"])


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.full)])
def expected(request, data):
    images = json.loads((data / "golden" / "mtcnn_photos.json").read_text())["images"]
    names = images if request.param == "all" else FEW
    return {name: images[name]["faces"] for name in names}


@pytest.fixture(scope="module")
def photos(data, expected):
    def read(name):
        return read_image(next(path for path in data.glob(f"data/*/{name}")))

    return {name: read(name) for name in expected}


@pytest.fixture(scope="module", params=sorted(backends.INSTALL))
def found(request, photos):
    detector = facezoo.create_detector("mtcnn", backend=request.param)
    return {name: detector.detect(image) for name, image in photos.items()}


def corners(face):
    x, y, width, height = face["box_xywh"]
    return [x, y, x + width, y + height]


def rounded(face):
    """Rounded as in the package: corner and sides."""
    corner, side = np.rint(face.box[:2]), np.rint(face.box[2:] - face.box[:2])
    return np.concatenate([corner, corner + side]).astype(float)


def test_what_the_package_finds_is_found(expected, found):
    wanted = right = 0
    for name, faces in expected.items():
        ours = np.array([rounded(face) for face in found[name]]).reshape(-1, 4)
        for face in faces:
            if face["score"] < 0.95:
                continue
            wanted += 1
            shares = overlap(np.array([corners(face)]), ours)[0]
            if not len(shares) or shares.max() < 0.9:
                continue
            landmarks = np.rint(found[name][int(shares.argmax())].landmarks)
            away = np.linalg.norm(landmarks - [face["landmarks"][point] for point in POINTS], axis=1)
            right += away.max() <= 0.02 * face["box_xywh"][2]
    assert wanted >= 20
    assert wanted - right <= max(1, 0.02 * wanted), f"{right} of {wanted}"  # of few faces, one


def test_no_more_than_the_package_finds(expected, found):
    sure = {name: sum(face.score >= 0.95 for face in faces) for name, faces in found.items() if name not in BY_HAND}
    package = {name: sum(face["score"] >= 0.95 for face in expected[name]) for name in sure}
    assert sum(sure.values()) <= 1.02 * sum(package.values())


def test_crops_of_the_backends_agree(photos, found, request):
    other = facezoo.create_detector("mtcnn", backend="torch")
    for name, image in photos.items():
        theirs = other.detect(image)
        assert len(theirs) == len(found[name])
        for ours, their in zip(found[name], theirs, strict=True):
            crops = [facezoo.align_face(image, face.landmarks).astype(int) for face in (ours, their)]
            assert np.abs(crops[0] - crops[1]).max() <= 1, name
