"""Killed at any moment and resumed: bit-identical weights; resumed on the other backend: the same losses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
from tiny_run import TINY

from facezoo.checkpoints.weights import read_arrays
from facezoo.training.resume import resumed_config
from facezoo.training.run import run_training


def command(run, *more):
    words = [sys.executable, "-m", "facezoo", "train", "--out", str(run)]
    return [*words, *more]


def fresh(run, backend):
    settings = {**TINY, "backend": backend, "checkpoint_every": 1, "steps": 8, "compiled": True}
    return command(run, *[word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")])


def losses(run):
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return np.array([record["loss"] for record in records if "loss" in record])


def test_killed_at_a_random_step_and_resumed_ends_with_the_same_bits(backend, tmp_path, rng):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(fresh(whole, backend), check=True, capture_output=True)
    wanted = int(rng.integers(1, 7))
    process = subprocess.Popen(fresh(broken, backend), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (broken / "checkpoints" / f"step-{wanted}").is_dir():
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.01)
    time.sleep(float(rng.random()) * 0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command(broken, "--resume"), check=True, capture_output=True)
    for name in ("backbone", "head", "optimizer"):
        ends = [read_arrays(run / "checkpoints" / "step-8" / f"{name}.safetensors")[0] for run in (whole, broken)]
        assert set(ends[0]) == set(ends[1])
        for key in ends[0]:
            np.testing.assert_array_equal(ends[0][key], ends[1][key], err_msg=f"{name}: {key}")
    np.testing.assert_array_equal(losses(whole), losses(broken))


def test_half_on_one_backend_and_half_on_the_other_gives_the_same_losses(tiny, tmp_path):
    options = {"backbone_options": {"dropout": 0.0}, "schedule__warmup": 0.0, "schedule__name": "constant"}
    options["precision"] = "float64"  # in float32 rounding grows too fast in eight steps for a comparison
    for run, backend in (("torch", "torch"), ("mixed", "torch")):
        run_training(tiny(backend=backend, steps=8 if run == "torch" else 4, **options), tmp_path / run)
    config = resumed_config(tmp_path / "mixed", {"backend": "paddle", "steps": 8})
    run_training(config, tmp_path / "mixed", resume=True)
    np.testing.assert_allclose(losses(tmp_path / "mixed"), losses(tmp_path / "torch"), rtol=1e-3)
    assert len(losses(tmp_path / "mixed")) == 8


def test_ctrl_c_saves_and_says_how_to_go_on(backend, tmp_path):
    run = tmp_path / "run"
    words = [*fresh(run, backend), "--steps", "100000", "--set", "checkpoint_every=100000"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not (run / "log.jsonl").is_file() or len((run / "log.jsonl").read_text().splitlines()) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # handled as Ctrl-C is
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert f"facezoo train --resume --out {run}" in said
    assert list((run / "checkpoints").glob("step-*"))


def test_the_number_of_micro_batches_may_change_with_the_number_of_processes(tiny, tmp_path):
    run_training(tiny(steps=1, backbone_options={"input_size": 32}, validation__holdout=0), tmp_path / "run")
    (stored,) = (tmp_path / "run" / "checkpoints").glob("*/state.json")
    stored.write_text(stored.read_text().replace('"world_size": 1', '"world_size": 2'))
    found = [resumed_config(tmp_path / "run", options) for options in ({}, {"accumulation": 1})]
    assert [(config.batch_size, config.accumulation) for config in found] == [(8, 2), (8, 1)]
