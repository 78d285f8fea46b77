"""Weights in another precision and as the frameworks' own files, read back."""

import os
import subprocess
import sys

import numpy as np
import pytest

import facezoo
from facezoo.checkpoints.convert import convert_weights, round_to_precision
from facezoo.checkpoints.readers import read_tree
from facezoo.checkpoints.weights import read_weights, write_weights
from facezoo.cli.main import main
from facezoo.errors import CheckpointError


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("convert") / "w.safetensors"
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", seed=1, embedding_size=16, input_size=56)
    facezoo.save_weights(module, path, licence="MIT")
    return path


@pytest.mark.parametrize("precision, bits", [("float16", 11), ("bfloat16", 8)])
def test_rounding_is_to_nearest(precision, bits):
    import torch

    values = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    expected = torch.from_numpy(values).to(getattr(torch, precision)).float().numpy()
    np.testing.assert_array_equal(round_to_precision(values, precision), expected)
    assert np.abs(round_to_precision(values, precision) / values - 1).max() <= 2.0**-bits


def test_float16_halves_the_file_and_loads_on_both_backends(weights, tmp_path):
    done = convert_weights(weights, tmp_path / "half.safetensors", precision="float16")
    assert done["size"] < 0.6 * weights.stat().st_size
    assert read_weights(tmp_path / "half.safetensors").info["licence"] == "MIT"
    expected = {name: round_to_precision(value, "float16") for name, value in read_weights(weights).state.items()}
    for backend in ("torch", "paddle"):
        found = facezoo.get_state(facezoo.load_weights(tmp_path / "half.safetensors", backend=backend))
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)


def test_the_frameworks_read_their_own_files(weights, tmp_path, capsys):
    import paddle
    import torch

    state = read_weights(weights).state
    words = ["weights", "convert", str(weights), "--precision", "bfloat16"]
    assert main([*words, "--to", "torch", "--out", str(tmp_path / "w.pt")]) == 0
    assert "MB, bfloat16; largest change" in capsys.readouterr().out
    found = torch.load(tmp_path / "w.pt", weights_only=True)
    for name, value in state.items():
        assert found[name].dtype == torch.bfloat16
        np.testing.assert_array_equal(found[name].float().numpy(), round_to_precision(value, "bfloat16"))
    assert main(["weights", "convert", str(weights), "--to", "paddle", "--out", str(tmp_path / "w.pdparams")]) == 0
    layer = facezoo.create_backbone("MobileFaceNet", backend="paddle", seed=2, embedding_size=16, input_size=56)
    layer.set_state_dict(paddle.load(str(tmp_path / "w.pdparams")))
    for name, value in facezoo.get_state(layer).items():
        np.testing.assert_array_equal(value, state[name])


@pytest.mark.parametrize("name", ["MobileFaceNet", "ViTT", "SwinT", "LightCNN29v2"])
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_a_file_for_paddle_is_that_of_paddle(name, precision, tmp_path):
    """Written without paddle, with the types of torch's layers; names, layouts and values are those of paddle.save."""
    import paddle

    from facezoo.backends.paddle.export import save_state

    options = {"input_size": 56} if name == "MobileFaceNet" else {}
    layer = facezoo.create_backbone(name, backend="paddle", seed=1, embedding_size=16, **options)
    facezoo.save_weights(layer, tmp_path / "w.safetensors")
    save_state(layer, tmp_path / "theirs.pdparams", precision)
    convert_weights(tmp_path / "w.safetensors", tmp_path / "ours.pdparams", precision=precision, to="paddle")
    ours, theirs = (paddle.load(str(tmp_path / f"{who}.pdparams")) for who in ("ours", "theirs"))
    assert set(ours) == set(theirs)
    for key, value in theirs.items():
        assert ours[key].dtype == value.dtype, key
        np.testing.assert_array_equal(ours[key].astype("float32").numpy(), value.astype("float32").numpy(), key)
    if precision == "float32":
        assert layer.set_state_dict(ours) == ([], [])


def test_a_file_for_paddle_needs_no_paddle(weights, tmp_path):
    code = f"""
import sys
sys.modules["paddle"] = None
from facezoo.checkpoints.convert import convert_weights
convert_weights({str(weights)!r}, {str(tmp_path / "w.pdparams")!r}, to="paddle")
"""
    hidden = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=hidden)
    assert done.returncode == 0, done.stderr
    imported = read_tree(tmp_path / "w.pdparams")
    assert len(imported) == len(read_weights(weights).state)


def test_weights_that_cannot_be_converted(weights, tmp_path, capsys):
    file = read_weights(weights)
    key = next(name for name in file.state if name.endswith("weight"))
    huge = {**file.state, key: file.state[key] + np.float32(1e6)}
    write_weights(tmp_path / "huge.safetensors", file.spec, huge, producer={})
    with pytest.raises(CheckpointError, match="holds a value that float16 cannot"):
        convert_weights(tmp_path / "huge.safetensors", tmp_path / "out.safetensors", precision="float16")
    assert not (tmp_path / "out.safetensors").exists()
    for words, message in (
        (["--out", "w.pt"], "a facezoo file ends in .safetensors"),
        (["--out", "w.pt", "--to", "torhc"], "unknown form 'torhc'; did you mean 'torch'?"),
        (["--out", "w.pt", "--precision", "fp16"], "unknown precision 'fp16'"),
    ):
        assert main(["weights", "convert", str(weights), *words]) == 2
        assert message in capsys.readouterr().err
