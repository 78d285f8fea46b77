"""The files in examples/ run, and train."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import facezoo

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
if not (EXAMPLES / "synthetic_data.py").is_file():
    pytest.skip("the examples come with a checkout only", allow_module_level=True)
QUICK = ("torch_loop", "paddle_loop")
LONG = {
    "torch_loop": ["--compile"], "with_metric_learning": [], "with_lightning": [], "with_accelerate": [],
    "with_transformers": [], "with_paddle_model": [],
}  # fmt: skip


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def losses(printed: str) -> list[float]:
    found = [float(value) for value in re.findall(r"loss (\d+\.\d+)", printed)]
    assert found, printed
    assert all(0 < value < 50 for value in found), printed
    return found


@pytest.mark.parametrize("name", QUICK)
def test_the_plain_loops_run(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module = ModuleType(name)
    exec(compile((EXAMPLES / f"{name}.py").read_text("utf-8"), f"{name}.py", "exec"), vars(module))
    assert 0 < module.main(["--steps", "2"]) < 50
    losses(capsys.readouterr().out)


@pytest.mark.full
@pytest.mark.parametrize("name", QUICK)
def test_the_plain_loops_learn(name, tmp_path):
    found = losses(run([sys.executable, str(EXAMPLES / f"{name}.py"), "--steps", "40"], tmp_path))
    assert found[-1] < 0.9 * found[0]


@pytest.mark.full
@pytest.mark.parametrize(("name", "options"), LONG.items())
def test_the_examples_with_other_libraries_run(name, options, tmp_path):
    losses(run([sys.executable, str(EXAMPLES / f"{name}.py"), "--steps", "4", *options], tmp_path))


@pytest.mark.full
def test_lightning_runs_in_two_processes(tmp_path):
    command = [sys.executable, str(EXAMPLES / "with_lightning.py"), "--steps", "2", "--devices", "2"]
    assert "2 processes, 2 steps" in run(command, tmp_path)
    assert facezoo.load_weights(tmp_path / "lightning.safetensors", backend="paddle").embedding_size == 64


@pytest.mark.full
def test_paddle_runs_in_two_processes(tmp_path):
    launch = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    run([*launch, "--log_dir", "log", str(EXAMPLES / "paddle_data_parallel.py"), "--steps", "2"], tmp_path)
    printed = "".join(path.read_text("utf-8") for path in (tmp_path / "log").glob("workerlog.*"))
    assert {"process 0 of 2", "process 1 of 2"} <= set(re.findall(r"process \d of 2", printed))


@pytest.mark.full
def test_a_network_of_timm_is_trained(tmp_path, monkeypatch, capsys):
    """timm needs a torchvision of the same build as torch, so a small network stands in for its own."""
    import torch

    def create_model(name: str, *, pretrained: bool, num_classes: int) -> torch.nn.Module:
        pool = torch.nn.AdaptiveAvgPool2d(1)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2), pool, torch.nn.Flatten(), torch.nn.Linear(8, num_classes)
        )

    timm = ModuleType("timm")
    timm.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", timm)
    module = ModuleType("with_timm")
    exec(compile((EXAMPLES / "with_timm.py").read_text("utf-8"), "with_timm.py", "exec"), vars(module))
    module.main(["--steps", "2", "--out", str(tmp_path / "run")])
    assert "embeddings (2, 64)" in capsys.readouterr().out


def test_the_table_names_every_file():
    named = set(re.findall(r"^\| `(\w+\.py)` \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE))
    assert named == {path.name for path in EXAMPLES.glob("*.py")} - {"synthetic_data.py"}
