"""Training steps of torch, of paddle, and of paddle without oneDNN, on a CPU in float32: time and CPU time of a step.

Each way runs in a process of its own. They take one step each in turn, so that other load meets all of them; the table
has the medians over the rounds. CPU time counts all threads and depends less on other load.

    python benchmarks/train_backends.py --backbone MobileFaceNet --batch-size 16 --threads 1 --rounds 7
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

import numpy as np

from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

CLASSES = 1000
WAYS = {  # name -> backend, environment
    "torch": ("torch", {}),
    "paddle": ("paddle", {}),
    "paddle without oneDNN": ("paddle", {"FACEZOO_PADDLE_ONEDNN": "0"}),
}


def work(backend: str, backbone: str, batch: int) -> None:
    """Take a step for each line of the standard input; print its time, CPU time and the peak of the memory in MiB."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, 112, 112, 3), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, batch)
    settings = {"backend": backend, "backbone": backbone, "head": "ArcFace", "precision": "float32"}
    engine = create_engine(load_config(None, settings), CLASSES)
    engine.set_learning_rate(0.01)
    for step, _ in enumerate(sys.stdin):
        began, cpu = time.perf_counter(), time.process_time()
        engine.train_step(images, labels, step)
        times = time.perf_counter() - began, time.process_time() - cpu
        print("step", *times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)


def start(backend: str, environment: Mapping[str, str], options: argparse.Namespace) -> subprocess.Popen[str]:
    words = [sys.executable, __file__, "--worker", backend, "--backbone", options.backbone]
    threads = {"OMP_NUM_THREADS": str(options.threads)}
    return subprocess.Popen(
        [*words, "--batch-size", str(options.batch_size)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads, **environment},
    )  # fmt: skip


def step(process: subprocess.Popen[str]) -> list[float]:
    """One step of a worker: seconds, CPU seconds, MiB."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith("step "):
            return [float(value) for value in line.split()[1:]]
    raise SystemExit(f"a worker ended with exit code {process.wait()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="MobileFaceNet")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.backbone, options.batch_size)
        return
    workers = {name: start(backend, environment, options) for name, (backend, environment) in WAYS.items()}
    measured: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    for number in range(options.rounds + 2):  # the first two steps compile and allocate
        for name, process in workers.items():
            found = step(process)
            if number >= 2:
                measured[name].append(found)
    for process in workers.values():
        process.communicate()
    print(f"{options.backbone}, batch {options.batch_size}, threads {options.threads}, rounds {options.rounds}")
    print("| | step, ms | CPU time of a step, ms | torch / this, time | torch / this, CPU time | peak memory, MiB |")
    print("|---|---|---|---|---|---|")
    for name, values in measured.items():
        clock, cpu, memory = (statistics.median(column) for column in zip(*values, strict=True))
        ratios = [
            statistics.median(base[index] / mine[index] for base, mine in zip(measured["torch"], values, strict=True))
            for index in (0, 1)
        ]
        shown = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"| {name} | {clock * 1000:.0f} | {cpu * 1000:.0f} | {shown} | {memory:.0f} |")


if __name__ == "__main__":
    main()
