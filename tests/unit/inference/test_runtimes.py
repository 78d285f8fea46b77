"""ONNX Runtime and OpenVINO as engines of a weight file: the same embeddings, from a file that is exported once."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.cli.main import main
from facezoo.errors import BackendUnavailableError, ConfigError, UnknownNameError
from facezoo.inference import runtimes


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runtimes")
    module = facezoo.create_backbone(
        "MobileFaceNet", backend="torch", embedding_size=16, input_size=32, blocks=(1, 1, 1, 1), seed=0
    )
    facezoo.save_weights(module, folder / "w.safetensors")
    rng = np.random.default_rng(0)
    for name in ("ann/1.png", "ann/2.png", "bob/1.png"):
        (folder / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / "people" / name)
    return folder / "w.safetensors"


def test_the_same_embeddings_from_a_file_made_once(weights, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (37, 32, 32, 3), np.uint8)
    embedder = facezoo.Embedder(weights, runtime="onnxruntime", threads=1)
    expected = facezoo.Embedder(weights, backend="torch").embed(images)
    assert np.abs(embedder.embed(images) - expected).max() <= 1e-5
    assert embedder.spec.name == "MobileFaceNet"
    made = weights.with_name("w.runtime.onnx")
    record = json.loads(weights.with_name("w.runtime.facezoo.json").read_text())
    assert (record["folded"], record["preprocess_inside"]) == (True, True)

    def again(*given, **options):
        raise AssertionError("exported again")

    with monkeypatch.context() as patch:
        patch.setattr("facezoo.export.export_model", again)
        assert runtimes.exported(weights) == made
    before = made.stat().st_mtime_ns
    os.utime(weights, ns=(1, 1))  # as a file that was replaced
    assert runtimes.exported(weights) == made
    assert made.stat().st_mtime_ns != before


def test_a_folder_that_cannot_be_written(weights, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runtimes.os, "access", lambda path, mode: False)
    weights.with_name("w.runtime.onnx").unlink(missing_ok=True)
    path = runtimes.exported(weights)
    assert path.is_relative_to(tmp_path / "cache")
    assert runtimes.exported(weights) == path


def test_commands_take_a_runtime(weights, capsys, tmp_path):
    people = weights.parent / "people"
    words = ["--weights", str(weights), "--aligned"]
    scores = []
    for runtime in ("native", "onnxruntime"):
        pair = [str(people / "ann/1.png"), str(people / "bob/1.png")]
        assert main(["verify", *pair, *words, "--runtime", runtime, "--json"]) == 0
        scores.append(json.loads(capsys.readouterr().out)["score"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    out = tmp_path / "e.npz"
    assert main(["embed", str(people), "--out", str(out), *words, "--runtime", "onnxruntime", "--workers", "1"]) == 0
    capsys.readouterr()
    gallery = ["--gallery", str(out), "--json"]
    for runtime in ("native", "onnxruntime"):  # one gallery for both: they are the same model
        assert main(["identify", str(people / "ann/1.png"), *gallery, *words, "--runtime", runtime]) == 0
        assert json.loads(capsys.readouterr().out)["candidates"][0]["name"] == "ann"


def test_what_is_not_possible_is_said(weights, monkeypatch):
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16)
    for source, options, message in (
        (weights, {"device": "gpu"}, "device is 'gpu'; runtime onnxruntime computes on the CPU"),
        (weights, {"precision": "bfloat16"}, "precision is 'bfloat16'"),
        (weights, {"preprocess": facezoo.Preprocess()}, "got preprocess; expected a weight file"),
        (module, {}, "expected a weight file of the zoo"),
        ("x.onnx", {"backend": "onnx"}, "got backend onnx"),
    ):
        with pytest.raises(ConfigError, match=message):
            facezoo.Embedder(source, runtime="onnxruntime", **options)
    with pytest.raises(UnknownNameError, match="did you mean 'openvino'"):
        facezoo.Embedder(weights, runtime="openvin")
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"runtime 'openvino' needs openvino.*facezoo\[openvino\]"):
        facezoo.Embedder(weights, runtime="openvino")
