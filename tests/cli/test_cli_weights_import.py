"""``facezoo weights import``: output, files and errors."""

import json
import os
import pickle

import numpy as np
import pytest

import facezoo
from facezoo import backends
from facezoo.checkpoints.foreign.base import Found
from facezoo.checkpoints.foreign.imported import leaves_of
from facezoo.checkpoints.foreign.table import find_layout
from facezoo.cli.main import main


@pytest.fixture
def published(tmp_path):
    layout, _ = find_layout("facex_mobilefacenet")
    found = Found("MobileFaceNet", {"embedding_size": 8})
    rng = np.random.default_rng(3)
    entries = layout.entries(found, leaves_of(found.spec()))
    tensors = {f"module.{entry.key}": rng.uniform(0.5, 1, entry.leaf.shape).astype(np.float32) for entry in entries}
    (tmp_path / "model.pdparams").write_bytes(pickle.dumps({"state_dict": tensors, "epoch": 3}, protocol=4))
    return tmp_path / "model.pdparams"


def test_import_writes_a_file_that_both_backends_load(published, tmp_path, capsys):
    out = tmp_path / "w.safetensors"
    assert main(["weights", "import", str(published), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "layout facex_mobilefacenet (FaceX-Zoo)" in printed
    assert "removed the prefixes module." in printed
    assert "preprocessing: BGR, 112x112" in printed
    states = [facezoo.get_state(facezoo.load_weights(out, backend=backend)) for backend in backends.available()]
    for state in states[1:]:
        assert all(np.array_equal(state[key], value) for key, value in states[0].items())


def test_json_and_a_given_layout(published, capsys):
    assert main(["weights", "import", str(published), "--layout", "evolve_mobilefacenet", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["layout"], printed["out"], printed["preprocess"]["color"]) == ("evolve_mobilefacenet", None, "RGB")


def test_refusals_are_one_line_and_write_nothing(published, tmp_path, capsys):
    class Runs:
        def __reduce__(self):
            return os.system, ("true",)

    out = tmp_path / "w.safetensors"
    (tmp_path / "evil.pdparams").write_bytes(pickle.dumps({"w": Runs()}, protocol=4))
    for words, message in (
        ([str(tmp_path / "evil.pdparams")], "posix.system" if os.name == "posix" else "system"),
        ([str(published), "--layout", "facex_resnest"], "has the layout"),
        ([str(tmp_path / "missing.pth")], "no weight file"),
    ):
        assert main(["weights", "import", *words, "--out", str(out)]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not out.exists()


def test_an_onnx_file(tmp_path, capsys):
    from zipfile import ZipFile

    from onnx_files import network, written

    path = written(network("MobileFaceNet", np.random.default_rng(0)), tmp_path / "w.onnx")
    out = tmp_path / "w.safetensors"
    assert main(["weights", "import", str(path), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    for words in (
        "layout onnx_mobilefacenet",
        "used all",
        "norms were folded",
        "cosine distance from the file",
        "RGB, 32x32",
    ):
        assert words in printed, words
    for backend in backends.available():
        assert facezoo.load_weights(out, backend=backend).spec.blocks == (1, 2, 1, 1)
    with ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.write(path, "pack/det.onnx")
        archive.write(path, "pack/w600k_mbf.onnx")
    assert main(["weights", "import", str(tmp_path / "pack.zip")]) == 2
    assert "det.onnx, pack/w600k_mbf.onnx; unpack it" in capsys.readouterr().err
