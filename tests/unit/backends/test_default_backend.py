"""The backend that is used when none is named: the installed one."""

import importlib.util
import subprocess
import sys

import pytest

from facezoo import backends


@pytest.mark.parametrize(
    "installed, wanted", [(["torch", "paddle"], "torch"), (["torch"], "torch"), (["paddle"], "paddle"), ([], "torch")]
)
def test_the_default_is_the_installed_one(monkeypatch, installed, wanted):
    from facezoo.align.settings import AlignSettings
    from facezoo.training.config import RunConfig

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name in installed else None)
    assert backends.default_backend() == wanted
    assert RunConfig().backend == wanted
    assert AlignSettings().backend == wanted


def test_the_options_of_the_command_line_and_embedder_with_paddle_alone(tmp_path):
    pytest.importorskip("paddle")
    code = f"""
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else found(name, *rest)
import facezoo
from facezoo.cli import options
assert options.DEFAULT_BACKEND == "paddle"
module = facezoo.create_backbone("MobileFaceNet", backend="paddle", seed=0, embedding_size=8, input_size=56)
facezoo.save_weights(module, {str(tmp_path / "a.safetensors")!r})
assert facezoo.Embedder({str(tmp_path / "a.safetensors")!r}).backend == "paddle"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
