"""The name of a model in tables, where no --model is given."""

from pathlib import Path

import pytest

from facezoo.cli.evaluate_inputs import model_name
from facezoo.cli.evaluate_request import Request


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("runs/first/weights.safetensors", "first"),
        ("runs/first/best.safetensors", "first/best"),
        ("runs/first/checkpoints/step-10/backbone.safetensors", "step-10/backbone"),
        ("weights.safetensors", "here"),
        ("ir50-webface.safetensors", "ir50-webface"),
    ],
)
def test_runs_have_different_names_in_tables(tmp_path, monkeypatch, file, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert model_name(Request(protocol="lfw", weights=Path(file))) == name
    assert model_name(Request(protocol="lfw", weights=Path(file), model="mine")) == "mine"
