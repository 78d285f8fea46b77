"""Two processes over gloo equal one process with two micro-batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from distributed_run import build, steps

SCRIPT = str(Path(__file__).with_name("distributed_run.py"))
LAUNCH = {
    "torch": ["torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0", "--rdzv_backend", "c10d",
              "--rdzv_endpoint", "localhost:0"],
    "paddle": ["paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"],
}  # fmt: skip


def test_two_processes_train_as_one_with_two_micro_batches(backend, tmp_path):
    extra = ["--log_dir", str(tmp_path / "logs")] if backend == "paddle" else []
    words = [sys.executable, "-m", *LAUNCH[backend], *extra, SCRIPT, backend, str(tmp_path)]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    ranks = [np.load(tmp_path / f"rank{rank}.npz") for rank in (0, 1)]
    expected = steps(build(backend, accumulation=2))
    for name, value in expected.items():
        np.testing.assert_array_equal(ranks[0][name], ranks[1][name], err_msg=name)
        np.testing.assert_allclose(ranks[0][name], value, rtol=1e-3, atol=1e-4, err_msg=name)
    assert [int(rank["world_size"]) for rank in ranks] == [2, 2]
