"""``backend="onnx"``: any embedding ONNX file embeds as the network that it was made from."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_files import saved, with_pixels_inside
from PIL import Image
from tiny_network import PREPROCESS, tiny

import facezoo
from facezoo import backends
from facezoo.checkpoints.weights import content_hash
from facezoo.cli.main import main
from facezoo.errors import CheckpointError, ConfigError, FacezooError
from facezoo.evaluation.inputs.store import load_embeddings
from facezoo.export import export_model

SIZE = PREPROCESS.size
PEOPLE = ("ann", "bob", "cem", "dan", "eva", "fay", "gil", "hui")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx_backend")
    rng = np.random.default_rng(0)
    for name in (f"{person}/{number}.png" for person in PEOPLE for number in (1, 2)):
        (folder / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(folder / "people" / name)
    module = tiny("torch")
    export_model(module, folder / "plain.onnx", to="onnx")
    export_model(module, folder / "pixels.onnx", to="onnx", with_preprocess=True)
    small = facezoo.create_backbone(
        "MobileFaceNet", backend="torch", embedding_size=16, input_size=SIZE, blocks=(1, 1, 1, 1), seed=0
    )
    facezoo.save_weights(small, folder / "w.safetensors")
    export_model(small.eval(), folder / "w.onnx", to="onnx")
    return folder


@pytest.fixture
def crops(folder):
    return [folder / "people" / name for name in ("ann/1.png", "ann/2.png", "bob/1.png")]


def test_exports_embed_as_the_network(folder, crops):
    expected = facezoo.Embedder(tiny("torch")).embed(crops)
    for name in ("plain", "pixels"):
        embedder = facezoo.Embedder(folder / f"{name}.onnx", backend="onnx")
        assert np.abs(embedder.embed(crops) - expected).max() <= 1e-5
        assert (embedder.backend, embedder.spec, embedder.embedding_size) == ("onnx", None, 16)
        assert embedder.preprocess == PREPROCESS


def test_rules_from_the_graph_from_beside_the_file_and_by_default(folder, crops, tmp_path):
    model = onnx.load(folder / "plain.onnx")
    del model.metadata_props[:]
    plain = saved(model, tmp_path / "a.onnx")
    assert facezoo.Embedder(plain, backend="onnx").preprocess.mean == (127.5,) * 3
    scaled = saved(with_pixels_inside(model, PREPROCESS.mean, [1 / value for value in PREPROCESS.std], flipped=True),
                   tmp_path / "b.onnx")  # fmt: skip
    expected = facezoo.Embedder(tiny("torch")).embed(crops)
    embedder = facezoo.Embedder(scaled, backend="onnx")
    assert np.abs(embedder.embed(crops) - expected).max() <= 1e-5
    assert embedder.preprocess.color == "BGR"
    before = content_hash(plain)
    (tmp_path / "a.facezoo.json").write_text(json.dumps({"preprocess": PREPROCESS.to_dict()}))
    assert content_hash(plain) != before  # embeddings by other rules do not compare
    assert np.abs(facezoo.Embedder(plain, backend="onnx").embed(crops) - expected).max() <= 1e-5
    (tmp_path / "a.facezoo.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"a\.facezoo\.json' states no preprocessing"):
        facezoo.Embedder(plain, backend="onnx")
    given = facezoo.Embedder(saved(model, tmp_path / "c.onnx"), backend="onnx")
    assert given.preprocess == embedder.preprocess
    with pytest.raises(ConfigError, match="scales pixels itself"):
        facezoo.Embedder(tmp_path / "c.onnx", backend="onnx", preprocess=PREPROCESS)


@pytest.mark.parametrize("stated", [0, 1, 2])
def test_files_of_one_batch_size(stated, folder, crops, tmp_path):
    model = onnx.load(folder / "plain.onnx")
    if stated:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = stated
        model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = stated
    else:  # open by its input, but its last node takes one image
        model.graph.node.append(helper.make_node("Reshape", [model.graph.output[0].name, "one"], ["flat"]))
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 16]), "one"))
        model.graph.output[0].name = "flat"
    expected = facezoo.Embedder(tiny("torch")).embed(crops)
    found = facezoo.Embedder(saved(model, tmp_path / "n.onnx"), backend="onnx").embed(crops)
    assert np.abs(found - expected).max() <= 1e-5


def test_any_other_network_embeds_too(tmp_path):
    """One that is no network of the zoo: a mean over the map and a nonlinearity."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Softmax", ["flat"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 20, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    embedder = facezoo.Embedder(saved(model, tmp_path / "n.onnx"), backend="onnx", flip=False)
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 24, 3), dtype=np.uint8)
    means = ((images.astype(np.float64) - 127.5) / 127.5).mean((1, 2))
    wanted = np.exp(means) / np.exp(means).sum(1, keepdims=True)
    assert np.abs(embedder.raw(images) - wanted).max() <= 1e-6


def call(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_verify_embed_identify_and_evaluate(folder, crops, capsys, tmp_path):
    onnx_file = ["--weights", folder / "w.onnx", "--backend", "onnx"]
    native = ["--weights", folder / "w.safetensors", "--backend", "paddle"]
    scores = []
    for words in (onnx_file, native):
        code, out, _ = call(capsys, "verify", crops[0], crops[2], *words, "--aligned", "--threshold", "0", "--json")
        assert code == 0
        scores.append(json.loads(out)["score"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    code, out, error = call(capsys, "embed", folder / "people", "--out", tmp_path / "e.npz", *onnx_file, "--aligned")
    assert code == 0, error
    code, out, _ = call(
        capsys, "identify", crops[0], "--gallery", tmp_path / "e.npz", *onnx_file, "--aligned", "--json"
    )
    assert json.loads(out)["candidates"][0]["name"] == "ann"
    code, _, error = call(capsys, "identify", crops[0], "--gallery", tmp_path / "e.npz", *native, "--aligned")
    assert code == 2
    assert "made with weights_sha256" in error
    protocol = tmp_path / "p.yaml"
    protocol.write_text(
        "name: tiny\ntitle: Tiny\nembedding: {aligner: aligned, template: arcface112, flip: sum}\n"
        "tasks: [{name: tiny, kind: pairs, pairs: pairs.txt, layout: paths, folds: 2, far: [0.5]}]\n"
    )
    lines = [f"{person}/1.png {person}/2.png 1\n{person}/1.png {PEOPLE[at - 1]}/2.png 0\n"
             for at, person in enumerate(PEOPLE)]  # fmt: skip
    (tmp_path / "pairs.txt").write_text("".join(lines))
    results = []
    for words in (onnx_file, native):
        code, out, error = call(
            capsys, "evaluate", "--protocol", protocol, "--data", folder / "people", "--lists", tmp_path, *words,
            "--save-embeddings", tmp_path / "kept.npz", "--json",
        )  # fmt: skip
        assert code == 0, error
        results.append((json.loads(out)["inputs"], load_embeddings(tmp_path / "kept.npz").embeddings))
    assert results[0][0]["backend_version"].startswith("onnxruntime ")
    assert np.abs(results[0][1] - results[1][1]).max() <= 1e-4 * np.abs(results[1][1]).max()
    code, out, error = call(capsys, "verify", crops[0], crops[2], *onnx_file, "--aligned")
    assert "--backend onnx --protocol lfw" in out


def test_what_is_not_possible_is_said(folder, capsys, tmp_path):
    for words, message in (
        (["train", "--backend", "onnx"], "only embeds faces with an ONNX file"),
        (["verify", "a", "b", "--backend", "onnx"], "got no model"),
        (["verify", "a", "b", "--backend", "onnx", "--weights", folder / "w.safetensors"], "is no ONNX file"),
        (["verify", "a", "b", "--backend", "onnx", "--weights", tmp_path / "no.onnx"], "no ONNX file"),
        (["verify", "a", "b", "--weights", folder / "plain.onnx"], "to embed with it as it is: --backend onnx"),
        (["align", "a", tmp_path / "o", "--backend", "onnx"], "only embeds faces"),
    ):
        code, _, error = call(capsys, *words)
        assert code == 2, words
        assert message in error, error
    with pytest.raises(ConfigError, match="only embeds faces"):
        backends.load("onnx")
    with pytest.raises(ConfigError, match="expected float32"):
        facezoo.Embedder(folder / "plain.onnx", backend="onnx", precision="bfloat16")
    with pytest.raises(ConfigError, match="expected the path of an ONNX file"):
        facezoo.Embedder(tiny("torch"), backend="onnx")
    for device in ("gpu:x", "tpu"):
        with pytest.raises(ConfigError, match="device is"):
            facezoo.Embedder(folder / "plain.onnx", backend="onnx", device=device)
    (tmp_path / "broken.onnx").write_bytes((folder / "plain.onnx").read_bytes()[:5000])
    model = onnx.load(folder / "plain.onnx")
    second = helper.make_tensor_value_info(model.graph.node[-2].output[0], TensorProto.FLOAT, [None, 2])
    model.graph.output.append(second)
    saved(model, tmp_path / "two.onnx")
    for name, message in (("broken", "ONNX Runtime runs"), ("two", "expected one input of images")):
        with pytest.raises(FacezooError, match=message):
            facezoo.Embedder(tmp_path / f"{name}.onnx", backend="onnx")
