"""``facezoo.Recognizer``: one photo in, faces out; two photos in, a decision out; on both backends."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.align.templates import ARCFACE
from facezoo.errors import ConfigError, DataError, ImageError
from facezoo.inference.gallery import Gallery, ModelRecord
from facezoo.inference.stored_gallery import StoredGallery
from facezoo.interfaces.detector import Detector, Face


class Found(Detector):
    """Finds two faces in every photo that is not black, the smaller first."""

    def detect_batch(self, images):
        small, large = np.float32([10, 10, 66, 66]), np.float32([0, 0, 112, 112])
        faces = [Face(small, np.float32(ARCFACE) / 2, 0.8), Face(large, np.float32(ARCFACE), 0.9)]
        return [faces if image.any() else [] for image in images]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr("facezoo.align.create.create_detector", lambda *names, **options: Found())
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (130, 150, 3), np.uint8) for _ in range(2)]


@pytest.fixture
def weights(tmp_path, backend):
    path = tmp_path / "w.safetensors"
    facezoo.save_weights(facezoo.create_backbone("MobileFaceNet", backend=backend, embedding_size=64), path)
    return path


def test_faces_of_a_photo(weights, backend, photos, tmp_path):
    recognizer = facezoo.Recognizer(weights, backend=backend, threshold=0.5)
    faces = recognizer.faces(photos[0])
    assert [face.box.tolist() for face in faces] == [[0, 0, 112, 112], [10, 10, 66, 66]]
    assert [face.score for face in faces] == [0.9, 0.8]
    assert faces[0].landmarks.shape == (5, 2)
    crop = facezoo.align_face(photos[0], np.float32(ARCFACE))
    expected = facezoo.Embedder(weights, backend=backend).embed([crop])[0]
    np.testing.assert_allclose(faces[0].embedding, expected, atol=1e-5)
    Image.fromarray(photos[0]).save(tmp_path / "a.png")
    for form in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(photos[0])):
        np.testing.assert_allclose(recognizer.embed(form), expected, atol=1e-5)
    assert recognizer.faces(np.zeros((50, 50, 3), np.uint8)) == []
    with pytest.raises(ImageError, match=r"none\.jpg"):
        recognizer.faces("none.jpg")
    with pytest.raises(DataError, match="photo 0: no face found"):
        recognizer.embed(np.zeros((50, 50, 3), np.uint8))


def test_two_photos(weights, backend, photos):
    recognizer = facezoo.Recognizer(weights, backend=backend, threshold=0.9999)
    assert recognizer.compare(photos[0], photos[0]).same is True
    other = recognizer.compare(*photos)
    assert other.same is False
    assert other.score == pytest.approx(float(recognizer.embed(photos[0]) @ recognizer.embed(photos[1])), abs=1e-5)
    assert other.scores.shape == (1, 1)
    undecided = facezoo.Recognizer(weights, backend=backend, face="all").compare(*photos)
    assert undecided.same is None
    assert undecided.scores.shape == (2, 2)
    assert undecided.score == undecided.scores[undecided.pair] == undecided.scores.max()


def test_a_photo_in_a_gallery(weights, backend, photos, tmp_path):
    recognizer = facezoo.Recognizer(weights, backend=backend, threshold=0.9999)
    model = ModelRecord.of(weights, recognizer.photos.embedder)
    stored = StoredGallery.create(tmp_path / "g", 64, model)
    with pytest.raises(DataError, match="the gallery is empty"):
        recognizer.identify(photos[0], stored)
    rows = np.stack([recognizer.embed(photo) for photo in photos])
    stored.enrol(["ann", "bob"], rows)
    for gallery in (stored, tmp_path / "g", Gallery.from_embeddings(rows, ["ann", "bob"], model)):
        (found,) = recognizer.identify(photos[1], gallery)
        assert found.name == "bob"
        assert [name for name, _ in found.candidates] == ["bob", "ann"]
        assert found.face.box.tolist() == [0, 0, 112, 112]
    stranger = np.random.default_rng(5).integers(0, 256, (120, 120, 3), np.uint8)
    assert recognizer.identify(stranger, stored)[0].name is None
    both = facezoo.Recognizer(weights, backend=backend, threshold=0.9999, face="all").identify(photos[0], stored)
    assert [one.name for one in both] == ["ann", None]
    flipless = StoredGallery.create(tmp_path / "h", 64, ModelRecord(model.weights_sha256, "none", model.template))
    with pytest.raises(DataError, match="made with flip none"):
        recognizer.identify(photos[0], flipless)


def test_aligned_crops_and_bad_options(weights, backend, photos):
    crop = photos[0][:112, :112]
    (face,) = facezoo.Recognizer(weights, backend=backend, aligned=True).faces(crop)
    assert (face.box, face.landmarks, face.score) == (None, None, None)
    with pytest.raises(ConfigError, match="threshold is 7"):
        facezoo.Recognizer(weights, backend=backend, threshold=7)


def test_a_decision_does_not_load_the_statistics_of_scipy():
    code = "import sys, facezoo; facezoo.Recognizer; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
