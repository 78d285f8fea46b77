import json

import pytest

import facezoo
from facezoo.cli.main import main


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "small.safetensors"
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", seed=3, embedding_size=16, input_size=56)
    facezoo.save_weights(module, path)
    return path


def test_the_difference_is_printed(weights, tmp_path, capsys):
    assert main(["export", str(weights), "--to", "onnx", "--out", str(tmp_path / "a.onnx"), "--with-preprocess"]) == 0
    shown = capsys.readouterr().out
    assert "compared on 8 images: cosine distance" in shown
    assert (tmp_path / "a.onnx").is_file()


def test_above_the_tolerance_the_exit_code_is_2(weights, tmp_path, capsys):
    words = ["export", str(weights), "--to", "torchscript", "--precision", "float16", "--tolerance", "1e-14", "--json"]
    assert main([*words, "--out", str(tmp_path / "b.pt")]) == 2
    assert "facezoo: refused: on 8 images" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([*words[:-3], "--json", "--out", str(tmp_path / "b.pt")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == [str(tmp_path / "b.pt")]
    assert report["difference"]["cosine"] < 1e-3


@pytest.mark.parametrize(
    "words, message",
    [
        (["none.safetensors", "--to", "onnx"], "no weight file 'none.safetensors'"),
        (["no-such-model", "--to", "onnx"], "unknown"),
        (["none.safetensors", "--to", "onx"], "unknown export target 'onx'; did you mean 'onnx'?"),
    ],
)
def test_bad_input_is_one_line(words, message, capsys):
    assert main(["export", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
