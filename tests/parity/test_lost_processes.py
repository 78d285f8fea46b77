"""One of two processes is killed, or all are asked to stop: the run says so, and goes on to the same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from launching import launch, launcher
from safetensors.numpy import load_file

pytestmark = pytest.mark.full

TRAIN = [
    "-m", "facezoo", "train", "--auto-resume", "--backbone", "MobileFaceNet", "--head", "CosFace", "--batch-size", "4",
    "--steps", "60", "--set", "embedding_size=32", "--set", "data.identities=8", "--set", "data.images_per_identity=4",
    "--set", "checkpoint_every=2", "--set", "compiled=false", "--set", "parallel.timeout=60",
]  # fmt: skip
RANK = {"torch": "RANK", "paddle": "PADDLE_TRAINER_ID"}


def processes(backend, run):
    """Rank -> process number of the living processes of a run."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            lines = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        given = dict(line.split("=", 1) for line in lines if "=" in line)
        if str(run).encode() in words and RANK[backend] in given and not any(b".run" in word for word in words):
            found[int(given[RANK[backend]])] = int(folder.name)
    return found


def start(backend, run, logs):
    with open(logs / "launcher.txt", "ab") as said:
        return subprocess.Popen(
            [*launcher(backend, 2, logs / "logs"), *TRAIN, "--backend", backend, "--out", str(run)],
            stdout=said, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip


def newest(run):
    """The number of the newest checkpoint, or -1."""
    return max((int(path.name[5:]) for path in (run / "checkpoints").glob("step-*")), default=-1)


def wait_for_checkpoint(run, after):
    """Wait until there is one later than ``after``."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if newest(run) > after:
            return
        time.sleep(0.1)
    raise AssertionError("no checkpoint came in five minutes")


def said(logs):
    files = [logs / "launcher.txt", *sorted((logs / "logs").glob("workerlog.*"))]
    return "".join(path.read_text(errors="replace") for path in files if path.exists())


@pytest.mark.parametrize("number, rank", [(signal.SIGKILL, 1), (signal.SIGKILL, 0), (signal.SIGTERM, None)])
def test_a_run_goes_on_after_its_processes_are_stopped(backend, number, rank, seed, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    launch(backend, 2, tmp_path, [*TRAIN, "--backend", backend, "--out", whole])
    choice = random.Random(seed)
    for _ in range(2):
        before = newest(stopped)
        child = start(backend, stopped, tmp_path)
        wait_for_checkpoint(stopped, before)
        time.sleep(choice.uniform(0, 0.5))
        alive = processes(backend, stopped)
        for victim in alive if rank is None else [rank]:
            os.kill(alive[victim], number)
        assert child.wait(timeout=200) != 0
    expected = "continue with: facezoo train --resume" if rank is None else "start all again with --auto-resume"
    assert expected in said(tmp_path)
    launch(backend, 2, tmp_path, [*TRAIN, "--backend", backend, "--out", stopped])
    for name, value in load_file(whole / "weights.safetensors").items():
        np.testing.assert_array_equal(load_file(stopped / "weights.safetensors")[name], value, err_msg=name)
