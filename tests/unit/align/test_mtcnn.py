"""The cascade with predictable networks, and the real networks of both backends against each other."""

from __future__ import annotations

import numpy as np
import pytest

import facezoo
from facezoo import backends
from facezoo.align.mtcnn import MTCNN
from facezoo.errors import BackendUnavailableError, ConfigError, ShapeError, UnknownNameError


class BrightSpot:
    """Networks that detect a face where a window is bright, with landmarks at fixed positions in the box."""

    def __init__(self):
        self.calls = 0

    def pnet(self, images):
        self.calls += 1
        count, height, width, _ = images.shape
        rows, columns = -(-(height - 2) // 2) - 4, -(-(width - 2) // 2) - 4
        logits = np.empty((count, rows, columns), np.float32)
        for row, column in np.ndindex(rows, columns):
            window = images[:, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
            logits[:, row, column] = 10 * window.mean((1, 2, 3))
        return logits, np.zeros((count, 4, rows, columns), np.float32)

    def rnet(self, images):
        return 10 * images.mean((1, 2, 3)), np.zeros((len(images), 4), np.float32)

    def onet(self, images):
        landmarks = np.tile(np.float32([0.3, 0.7, 0.5, 0.35, 0.65, 0.4, 0.4, 0.6, 0.8, 0.8]), (len(images), 1))
        return 10 * images.mean((1, 2, 3)), np.zeros((len(images), 4), np.float32), landmarks


def spots(height, width, *centres, side=40):
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in centres:
        image[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = 255
    return image


def test_bright_spots_are_found():
    faces = MTCNN(BrightSpot()).detect_batch([spots(120, 200, (50, 60), (150, 50))])[0]
    assert len(faces) >= 2
    for x, y in ((50, 60), (150, 50)):
        near = [face for face in faces if np.abs((face.box[:2] + face.box[2:]) / 2 - [x, y]).max() < 20]
        assert near
        face = near[0]
        assert face.box.shape == (4,)
        assert face.landmarks.shape == (5, 2)
        assert face.landmarks[0, 0] < face.landmarks[1, 0]
        assert face.landmarks[0, 1] < face.landmarks[3, 1]
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert all(0.8 < face.score <= 1 for face in faces)


def test_no_face_in_a_dark_image():
    assert MTCNN(BrightSpot()).detect_batch([np.zeros((90, 90, 3), np.uint8)]) == [[]]
    assert MTCNN(BrightSpot()).detect_batch([np.full((9, 9, 3), 255, np.uint8)]) == [[]]
    assert MTCNN(BrightSpot()).detect_batch([]) == []


def same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=1e-4)
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1e-4)
        assert one.score == pytest.approx(other.score, abs=1e-6)


def test_a_batch_gives_the_same_as_single_images():
    images = [spots(100, 130, (40, 50)), spots(90, 90, (45, 45)), spots(100, 130, (80, 40)), spots(100, 130)]
    detector = MTCNN(BrightSpot())
    for image, together in zip(images, detector.detect_batch(images), strict=True):
        same(detector.detect_batch([image])[0], together)


def test_images_of_equal_size_share_a_batch():
    networks = BrightSpot()
    MTCNN(networks).detect_batch([spots(60, 60, (30, 30))])
    alone, networks.calls = networks.calls, 0
    MTCNN(networks).detect_batch([spots(60, 60, (30, 30))] * 5)
    assert networks.calls == alone


def test_a_large_image_in_bands_gives_the_same(monkeypatch):
    image = spots(181, 160, (60, 60), (110, 130))
    whole = MTCNN(BrightSpot()).detect_batch([image])[0]
    monkeypatch.setattr("facezoo.align.mtcnn._CACHED_PIXELS", 1500)
    same(MTCNN(BrightSpot()).detect_batch([image])[0], whole)


@pytest.mark.parametrize(
    "options",
    [{"min_face_size": 5}, {"scale_factor": 1.0}, {"scale_factor": 0.0}, {"thresholds": (0.6, 0.7)},
     {"thresholds": (0.6, 0.7, 1.5)}],
)  # fmt: skip
def test_settings_out_of_range(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        MTCNN(BrightSpot(), **options)


@pytest.mark.parametrize("bad", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_images_of_another_kind(bad):
    with pytest.raises(ShapeError, match="image 0"):
        MTCNN(BrightSpot()).detect_batch([bad])


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="mtcnn"):
        facezoo.create_detector("mtcn")
    with pytest.raises(UnknownNameError, match="min_face_size"):
        facezoo.create_detector("mtcnn", backend=backends.available()[0], min_face=10)
    with pytest.raises(UnknownNameError, match="torch"):
        facezoo.create_detector("mtcnn", backend="pytorch")


def test_without_the_package_the_message_gives_the_pip_command(monkeypatch):
    monkeypatch.setattr("facezoo.align.weights.importlib.util.find_spec", lambda name: None)
    from facezoo.align.weights import load_mtcnn

    with pytest.raises(BackendUnavailableError, match="pip install mtcnn"):
        load_mtcnn()


@pytest.fixture(scope="module")
def networks():
    names = backends.available()
    if len(names) < 2:
        pytest.skip("needs both backends")
    return [facezoo.create_detector("mtcnn", backend=name).networks for name in names]


@pytest.mark.parametrize(
    ("net", "shape"), [("pnet", (2, 37, 52, 3)), ("rnet", (5, 24, 24, 3)), ("onet", (3, 48, 48, 3))]
)
def test_the_backends_agree(networks, net, shape):
    images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    first, second = (getattr(backend, net)(images) for backend in networks)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_detecting_leaves_torch_and_paddle_in_the_same_place(networks):
    """On noise the cascade finds few faces; they must agree."""
    image = np.random.default_rng(4).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    first, second = (MTCNN(backend, thresholds=(0.3, 0.1, 0.01)).detect_batch([image])[0] for backend in networks)
    same(first, second)
