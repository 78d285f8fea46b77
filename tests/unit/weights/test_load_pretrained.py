"""From a name to a network on both backends: through a served index entry, and from a real file."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from faulty_server import reset, serve
from PIL import Image

import facezoo
from facezoo import backends, weights
from facezoo.canonical.state import inventory
from facezoo.checkpoints.weights import read_weights, write_weights
from facezoo.cli.main import main
from facezoo.errors import CheckpointError, DownloadError
from facezoo.specs.preprocess import Preprocess
from facezoo.weights.index import dump_entry
from facezoo.weights.pretrained import canonical
from facezoo.weights.publish import publish
from facezoo.zoo import catalog

BACKENDS = backends.available()
BGR = Preprocess("BGR", (112, 112), (127.5,) * 3, (128.0,) * 3)
CROPS = np.random.default_rng(5).integers(0, 256, (3, 112, 112, 3), np.uint8)


def small_state(spec):
    leaves = inventory(backends.load(BACKENDS[0]).build_backbone(spec))
    draw = np.random.default_rng(1)
    state = {leaf.name: (0.1 * draw.standard_normal(leaf.shape)).astype(np.float32) for leaf in leaves}
    return {name: np.abs(value) + 0.5 if name.endswith("running_var") else value for name, value in state.items()}


@pytest.fixture
def served(tmp_path, server, monkeypatch):
    """A published model behind two mirrors of which the first is faulty; returns its bytes."""
    spec = replace(catalog.backbone_spec("MobileFaceNet", embedding_size=64), preprocess=BGR)
    write_weights(tmp_path / "w.safetensors", spec, small_state(spec), producer={"backend": "test"})
    base = f"http://127.0.0.1:{server.server_port}"
    publish(
        tmp_path / "w.safetensors", tmp_path / "out", name="small", urls=[f"{base}/bad", f"{base}/good"], licence="MIT"
    )
    data = (tmp_path / "out" / "small.safetensors").read_bytes()
    server.url("/bad/small.safetensors", serve(data[::-1]))
    server.url("/good/small.safetensors", serve(data, upto=1000, then=reset), serve(data))
    server.url("/bad/small.card.json", serve((tmp_path / "out" / "small.card.json").read_bytes()))
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(tmp_path / "out"))
    return data


def test_through_the_index_on_both_backends(served):
    with pytest.raises(DownloadError, match="licence of the data is unknown"):
        facezoo.load_pretrained("small", backend=BACKENDS[0])
    results = []
    for backend in BACKENDS:
        module = facezoo.load_pretrained("small", backend=backend, yes=True)
        assert module.spec.preprocess == BGR
        results.append(facezoo.Embedder(module, flip=False).embed(CROPS))
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, atol=1e-5)
    assert weights.fetch("small").read_bytes() == served


def test_verify_two_photos_by_the_models_name(served, tmp_path, capsys, monkeypatch):
    weights.fetch("small", yes=True)
    for number, crop in enumerate(CROPS[:2]):
        Image.fromarray(crop).save(tmp_path / f"{number}.png")
    words = ["verify", str(tmp_path / "0.png"), str(tmp_path / "1.png"), "--weights", "small", "--aligned", "--json"]
    scores = []
    for backend in BACKENDS:
        assert main([*words, "--backend", backend]) == 0
        scores.append(json.loads(capsys.readouterr().out)["score"])
    assert max(scores) - min(scores) < 1e-5
    words[4] = "smal"
    assert main(words) == 2
    assert "no weight file 'smal', and unknown weights 'smal'; did you mean 'small'" in capsys.readouterr().err


def entry_of(tmp_path, monkeypatch, path, **changes):
    base = yaml.safe_load(dump_entry(weights.get("hse-mobilenet-vggface2")))
    file = {
        "name": path.name,
        "holds": "x",
        "page": "https://example.org",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    folder = tmp_path / "index"
    folder.mkdir(exist_ok=True)
    (folder / "toy.yaml").write_text(yaml.safe_dump({**base, "name": "toy", "files": [file], **changes}))
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(folder))
    place = weights.folder_of("toy")
    place.mkdir(parents=True, exist_ok=True)
    (place / path.name).write_bytes(path.read_bytes())


@pytest.fixture
def real():
    root = os.environ.get("FACEZOO_TEST_DATA")
    if not root:
        pytest.skip("FACEZOO_TEST_DATA is not set")
    return Path(root)


def test_real_foreign_file_gives_its_golden_embedding(real, tmp_path, monkeypatch):
    source = real / "weights" / "mobilenet_v1_vggface2_hse.safetensors"
    entry_of(tmp_path, monkeypatch, source)
    golden = np.array(json.loads((real / "golden" / "mobilenet_v1_vggface2_hse.json").read_text())["embedding"])
    pixels = np.floor(np.random.Generator(np.random.PCG64(2026)).uniform(0, 255, (2, 3, 224, 224)))
    images = pixels[:, ::-1].transpose(0, 2, 3, 1).astype(np.uint8)  # the golden input is B, G, R
    for backend in BACKENDS:
        module = facezoo.load_pretrained("toy", backend=backend)
        found = facezoo.Embedder(module, flip=False).raw(images)
        assert np.abs(found - golden).max() <= 1e-4 * np.abs(golden).max()
    file = canonical("toy")
    before = file.stat().st_mtime_ns
    assert canonical("toy").stat().st_mtime_ns == before  # converted once
    assert read_weights(file).info["source"]["name"] == "toy"
    file.write_bytes(b"damaged")
    assert read_weights(canonical("toy")).spec.name == "MobileNetV1"


def test_a_mislabelled_file_is_refused(real, tmp_path, monkeypatch):
    source = real / "weights" / "mobilenet_v1_vggface2_hse.safetensors"
    entry_of(tmp_path, monkeypatch, source, backbone="MobileFaceNet", variant={})
    with pytest.raises(CheckpointError, match="the file's backbone is 'MobileNetV1'; the index states 'MobileFaceNet'"):
        canonical("toy")
    entry_of(tmp_path, monkeypatch, source, embedding_size=512)
    with pytest.raises(CheckpointError, match="embedding_size is 1024; the index states 512"):
        canonical("toy")
    entry_of(tmp_path, monkeypatch, source, layout="evolve_ir")
    with pytest.raises(CheckpointError, match="asked for 'evolve_ir'"):
        canonical("toy")


def test_models_that_the_zoo_does_not_read_are_refused():
    with pytest.raises(CheckpointError, match=r"published as onnx, .* run it with onnxruntime"):
        facezoo.load_pretrained("opencv-sface", backend=BACKENDS[0])
