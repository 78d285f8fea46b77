"""Starts a script or a module in several processes, by each framework's own launcher."""

from __future__ import annotations

import os
import subprocess
import sys


def launcher(backend, processes, logs):
    """The words before the script's path."""
    if backend == "torch":
        return [
            sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", "0",
            "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0",
        ]  # fmt: skip
    return [
        sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", str(processes), "--backend", "gloo",
        "--log_dir", str(logs),
    ]  # fmt: skip


def launch(backend, processes, folder, words, check=True, **environment):
    """Run a script in several processes; with ``check`` a failure fails the test with the processes' messages."""
    logs = folder / "logs"
    command = [*launcher(backend, processes, logs), *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip
    said = done.stdout[-3000:] + done.stderr[-3000:]
    said += "".join(path.read_text(errors="replace")[-1500:] for path in sorted(logs.glob("workerlog.*")))
    assert done.returncode == 0 or not check, said
    return done.returncode, said
