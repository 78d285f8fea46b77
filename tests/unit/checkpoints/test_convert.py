"""Weights in another precision and as the frameworks' own files, read back."""

import numpy as np
import pytest

import facezoo
from facezoo.checkpoints.convert import convert_weights, round_to_precision
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
