"""Other detectors and other inputs: UniFace, replaced by a module with its public names, and videos."""

from __future__ import annotations

import enum
import sys
import types
from dataclasses import dataclass

import numpy as np
import pytest

import facezoo
from facezoo.align.batch import align_folder
from facezoo.align.settings import AlignSettings
from facezoo.align.templates import ARCFACE
from facezoo.align.video import read_frames
from facezoo.errors import BackendUnavailableError, ConfigError, DownloadError, ImageError, UnknownNameError
from facezoo.interfaces.detector import Detector, Face


@dataclass
class Found:
    bbox: np.ndarray
    confidence: float
    landmarks: np.ndarray


class SCRFDWeights(str, enum.Enum):
    BIG = "scrfd_10g"
    SMALL = "scrfd_500m"


class Network:
    def __init__(self, *, model_name, confidence_threshold):
        if model_name is SCRFDWeights.SMALL:
            raise ConnectionError("no route")
        self.least = confidence_threshold

    def detect(self, bgr):
        box = np.array([1.0, 2, 30, 40])
        blue = float(bgr[0, 0, 0]) / 255  # a score that tells the channel order
        faces = [Found(box, 0.55, ARCFACE / 4), Found(box + 9, blue, ARCFACE / 3)]
        return [face for face in faces if face.confidence >= self.least]


@pytest.fixture
def uniface(monkeypatch):
    package = types.ModuleType("uniface")
    package.constants = types.SimpleNamespace(SCRFDWeights=SCRFDWeights)
    package.detection = types.SimpleNamespace(SCRFD=Network)
    monkeypatch.setitem(sys.modules, "uniface", package)


def test_uniface_behind_the_interface(uniface):
    image = np.zeros((50, 60, 3), np.uint8)
    image[..., 2] = 204  # blue
    faces = facezoo.create_detector("uniface").detect(image)
    assert [face.score for face in faces] == [pytest.approx(0.8), pytest.approx(0.55)]
    assert faces[0].box.tolist() == [10, 11, 39, 49]
    assert faces[0].landmarks.shape == (5, 2)
    assert faces[0].landmarks.dtype == np.float32
    assert len(facezoo.create_detector("uniface", min_score=0.6).detect(image)) == 1


def test_errors_of_uniface(uniface):
    with pytest.raises(UnknownNameError, match="did you mean 'scrfd_10g'"):
        facezoo.create_detector("uniface", model="scrfd_10")
    with pytest.raises(DownloadError, match="no route"):
        facezoo.create_detector("uniface", model="scrfd_500m")
    with pytest.raises(UnknownNameError, match="modle"):
        facezoo.create_detector("uniface", modle="scrfd_10g")
    with pytest.raises(ConfigError, match="min_score is 0"):
        facezoo.create_detector("uniface", min_score=0)


def constant_scrfd(path):
    """An SCRFD without a network: one face at the anchor in column 20, row 30 of stride 8, for any input."""
    onnx = pytest.importorskip("onnx")
    outputs = []
    for width in (1, 4, 10):
        for stride in (8, 16, 32):
            values = np.zeros(((640 // stride) ** 2 * 2, width), np.float32)
            if stride == 8:
                values[(30 * 80 + 20) * 2] = {1: 0.9, 4: 5.0, 10: np.arange(-5, 5) / 2}[width]
            outputs.append((f"o{len(outputs)}", values))
    constants = [onnx.numpy_helper.from_array(values, f"c{name}") for name, values in outputs]
    nodes = [onnx.helper.make_node("Identity", [f"c{name}"], [name]) for name, _ in outputs]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "scrfd",
        [onnx.helper.make_tensor_value_info("image", kind, [1, 3, 640, 640])],
        [onnx.helper.make_tensor_value_info(name, kind, values.shape) for name, values in outputs],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def test_the_real_uniface(monkeypatch, tmp_path):
    """The decoding of the package, with weights of this test: boxes and landmarks are in pixels of the photo."""
    pytest.importorskip("uniface")
    constant_scrfd(tmp_path / "scrfd.onnx")
    monkeypatch.setattr("uniface.detection.scrfd.verify_model_weights", lambda name: str(tmp_path / "scrfd.onnx"))
    (face,) = facezoo.create_detector("uniface").detect(np.zeros((320, 320, 3), np.uint8))  # seen at 640
    np.testing.assert_allclose(face.box, np.array([160 - 40, 240 - 40, 160 + 40, 240 + 40]) / 2)
    np.testing.assert_allclose(face.landmarks[0], np.array([160 - 20, 240 - 16]) / 2)
    assert face.score == pytest.approx(0.9)


def test_without_uniface_the_message_gives_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "uniface", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'facezoo\[uniface\]'"):
        facezoo.create_detector("uniface")


def test_without_pyav_the_message_gives_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'facezoo\[video\]'"):
        next(read_frames("a.mp4", 1, 10**6))


@pytest.fixture
def clip(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "photos" / "ann" / "clip.mp4"
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 128, "yuv420p"
        for number in range(12):
            pixels = np.full((128, 128, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_every_nth_frame(clip):
    frames = list(read_frames(clip, 5, 10**6))
    assert [number for number, _ in frames] == [0, 5, 10]
    for number, pixels in frames:
        assert pixels.shape == (128, 128, 3)
        assert abs(pixels.mean() - 20 * number) < 4
    with pytest.raises(ImageError, match="128x128"):
        list(read_frames(clip, 5, 100))


def test_a_broken_video(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(ImageError, match=r"a\.mp4"):
        list(read_frames(tmp_path / "a.mp4", 1, 10**6))


def test_a_video_among_photos(clip, tmp_path):
    class Always(Detector):
        def detect_batch(self, images):
            return [[Face(np.float32([0, 0, 100, 100]), np.float32(ARCFACE), 0.9)] for _ in images]

    out = tmp_path / "out"
    settings = AlignSettings(frame_step=4)
    summary = align_folder(tmp_path / "photos", out, settings, detector=Always())
    assert (summary.photos, summary.crops) == (1, 3)
    assert sorted(path.name for path in (out / "ann" / "clip").iterdir()) == ["000000.png", "000004.png", "000008.png"]
    assert align_folder(tmp_path / "photos", out, settings, detector=Always()).done_before == 1
