"""``facezoo verify``, ``embed`` and ``identify`` on aligned crops, with untrained weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo import backends
from facezoo.cli.main import main
from facezoo.data.image import read_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    rng = np.random.default_rng(0)
    for name in ("ann/1.png", "ann/2.png", "bob/1.png"):
        (folder / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (112, 112, 3), dtype=np.uint8)).save(folder / "people" / name)
    module = facezoo.create_backbone("MobileFaceNet", backend=backends.available()[0], embedding_size=64)
    facezoo.save_weights(module, folder / "w.safetensors")
    return folder


def call(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("backend", sorted(backends.INSTALL))
def test_verify(folder, capsys, backend):
    a, b, weights = folder / "people/ann/1.png", folder / "people/bob/1.png", folder / "w.safetensors"
    words = ["--weights", weights, "--backend", backend, "--aligned", "--threshold", "0.9999", "--json"]
    code, out, _ = call(capsys, "verify", a, a, *words)
    same = json.loads(out)
    assert code == 0
    assert same["score"] == pytest.approx(1, abs=1e-5)
    assert same["same"] is True
    other = json.loads(call(capsys, "verify", a, b, *words)[1])
    expected = facezoo.Embedder(weights, backend=backend).embed([read_image(a), read_image(b)])
    assert other["score"] == pytest.approx(float(expected[0] @ expected[1]), abs=1e-5)


def test_verify_without_a_threshold_does_not_decide(folder, capsys):
    a = folder / "people/ann/1.png"
    code, out, _ = call(capsys, "verify", a, a, "--weights", folder / "w.safetensors", "--aligned")
    assert code == 0
    assert "undecided" in out
    assert "no calibration" in out


def test_embed_then_identify(folder, capsys):
    out = folder / "e.npz"
    code, said, _ = call(
        capsys, "embed", folder / "people", "--weights", folder / "w.safetensors", "--out", out, "--aligned"
    )
    assert code == 0
    assert said.startswith("3 embeddings of 64 values")
    with np.load(out) as file:
        assert file["labels"].tolist() == ["ann", "ann", "bob"]
        np.testing.assert_allclose(np.linalg.norm(file["embeddings"], axis=1), 1, atol=1e-5)
    other = facezoo.create_backbone("MobileFaceNet", backend=backends.available()[0], embedding_size=64, seed=9)
    facezoo.save_weights(other, folder / "other.safetensors")
    words = ["--gallery", out, "--weights", folder / "other.safetensors", "--aligned", "--threshold", "0.5"]
    code, _, error = call(capsys, "identify", folder / "people/bob/1.png", *words)
    assert code == 2
    assert "the gallery was made with weights_sha256" in error
    for gallery in (out, folder / "people"):
        words = ["--gallery", gallery, "--weights", folder / "w.safetensors", "--aligned", "--threshold", "0.5"]
        code, said, _ = call(capsys, "identify", folder / "people/bob/1.png", *words, "--json")
        result = json.loads(said)
        assert code == 0
        assert result["identity"] == "bob"
        assert [entry["name"] for entry in result["candidates"]] == ["bob", "ann"]


def test_a_photo_without_a_face(folder, capsys):
    photo = folder / "dark.png"
    Image.new("RGB", (60, 60)).save(photo)
    code, _, said = call(capsys, "verify", photo, photo, "--weights", folder / "w.safetensors")
    assert code == 2
    assert said == f"facezoo: {photo}: no face found\n"
    code, _, said = call(capsys, "embed", photo, "--weights", folder / "w.safetensors", "--out", folder / "f.npz")
    assert code == 2
    assert "none of 1 photos gave an embedding" in said
    assert not (folder / "f.npz").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "a.jpg", "b.jpg", "--weights", "none.safetensors"], "none.safetensors"),
        (["verify", "a.jpg", "b.jpg", "--weights", "W", "--threshold", "7"], "threshold is 7.0"),
        (["verify", "a.jpg", "b.jpg", "--weights", "W", "--fmr", "0.1"], "needs a calibration"),
        (["embed", "a.jpg", "--weights", "W", "--out", "e.txt"], "must end in .npz"),
        (["embed", "none.jpg", "--weights", "W", "--out", "e.npz"], "none.jpg"),
        (["identify", "a.jpg", "--gallery", "g", "--weights", "W", "--top", "0"], "--top is 0"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, words, said):
    code, _, error = call(capsys, *[folder / "w.safetensors" if word == "W" else word for word in words])
    assert code == 2
    assert error.count("\n") == 1
    assert said in error


@pytest.fixture
def two_faces(monkeypatch):
    """A detector that finds two faces in every photo."""
    from facezoo.align.templates import ARCFACE
    from facezoo.interfaces.detector import Detector, Face

    class Two(Detector):
        def detect_batch(self, images):
            small, large = np.float32([10, 10, 66, 66]), np.float32([0, 0, 112, 112])
            return [[Face(small, np.float32(ARCFACE) / 2, 0.8), Face(large, np.float32(ARCFACE), 0.9)] for _ in images]

    monkeypatch.setattr("facezoo.align.create.create_detector", lambda *names, **options: Two())


def test_photos_with_several_faces(folder, capsys, two_faces):
    a, b, weights = folder / "people/ann/1.png", folder / "people/bob/1.png", folder / "w.safetensors"
    words = ["--weights", weights, "--threshold", "0.9999"]
    _, out, _ = call(capsys, "verify", a, b, *words)
    assert f"{a} shows 2 faces, the largest was used" in out
    assert json.loads(call(capsys, "verify", a, b, *words, "--json")[1])["left_out"] == {"a": 1, "b": 1}
    found = json.loads(call(capsys, "verify", a, a, *words, "--face", "all", "--json")[1])
    assert [pair["a_box"] for pair in found["pairs"]] == [[0, 0, 112, 112]] * 2 + [[10, 10, 66, 66]] * 2
    assert [pair["same"] for pair in found["pairs"]] == [True, False, False, True]
    assert found["left_out"] == {"a": 0, "b": 0}
    _, out, _ = call(capsys, "verify", a, b, *words, "--face", "all")
    assert "left out" not in out
    assert "0 0 112 112" in out
    words += ["--gallery", folder / "people"]
    found = json.loads(call(capsys, "identify", a, *words, "--face", "all", "--json")[1])
    assert [face["box"] for face in found["faces"]] == [[0, 0, 112, 112], [10, 10, 66, 66]]
    _, out, _ = call(capsys, "identify", b, *words)
    assert "shows 2 faces, the largest was used" in out
    _, out, _ = call(capsys, "identify", b, *words, "--face", "all")
    assert "face 2 of 2, box 10 10 66 66" in out
