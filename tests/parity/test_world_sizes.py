"""One run continued by 1, 2 and 3 processes: the same losses as in one, and the same checkpoint files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from launching import launch
from PIL import Image
from safetensors.numpy import load_file

from facezoo.data.sources.synthetic import SyntheticFaces

OPTIONS = {
    "backbone_options.dropout": 0.0, "embedding_size": 32,
    "parallel.sync_batch_norm": True, "checkpoint_every": 2, "log_every": 1, "keep": 9, "compiled": False,
    "parallel.timeout": 60, "head_options.momentum": 0.3,
    "schedule.name": "constant", "schedule.warmup": 0.0, "lr": 0.01,
}  # fmt: skip
TRAIN = [
    "train", "--backbone", "MobileFaceNet", "--head", "CurricularFace", "--batch-size", "12", "--precision", "float64",
    *(word for key, value in OPTIONS.items() for word in ("--set", f"{key}={value}")),
]  # fmt: skip


def alone(*words):
    subprocess.run([sys.executable, "-m", "facezoo", *map(str, words)], check=True, capture_output=True, timeout=600)


def losses(run):
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


def test_a_run_goes_on_with_another_number_of_processes(backend, tmp_path):
    whole, moved, faces = tmp_path / "whole", tmp_path / "moved", tmp_path / "faces"
    drawn = SyntheticFaces(10, 6, seed=2)
    for index, label in enumerate(drawn.labels):
        path = faces / f"{label}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(index)).save(path)
    alone(*TRAIN, "--backend", backend, "--steps", 6, "--out", whole, "--data", faces)
    alone(*TRAIN, "--backend", backend, "--steps", 2, "--out", moved, "--data", faces)
    for processes, steps in ((2, 4), (3, 6)):
        words = ["-m", "facezoo", "train", "--auto-resume", "--out", moved, "--steps", steps]
        launch(backend, processes, tmp_path, words)
    assert "batch_size: 4\n" in (moved / "config.yaml").read_text()
    wanted, found = losses(whole), losses(moved)
    assert found == pytest.approx(wanted, rel=1e-6)
    for name in ("backbone", "head", "optimizer"):
        expected = load_file(whole / "checkpoints" / "step-6" / f"{name}.safetensors")
        stored = load_file(moved / "checkpoints" / "step-6" / f"{name}.safetensors")
        assert list(stored) == list(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(stored[key], value, rtol=1e-4, atol=1e-7, err_msg=f"{name} {key}")
    alone("train", "--resume", "--out", moved, "--steps", 7)
    assert "batch_size: 12\naccumulation: 3\n" in (moved / "config.yaml").read_text()
