"""Partial FC beside all classes: accuracy on identities that were not trained, and the time of a run.

    python benchmarks/partial_fc.py --backend torch paddle --seeds 1 2 3

Trains MobileFaceNet with CosFace on synthetic faces of 32 x 32, once for each rate and seed, and prints the accuracy of
verification on 100 other identities. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = [
    "train", "--backbone", "MobileFaceNet", "--head", "CosFace", "--backbone-option", "input_size=32",
    "--batch-size", "64", "--set", "embedding_size=64", "--set", "data.identities=1000",
    "--set", "data.images_per_identity=10", "--set", "data.augmentation=none", "--set", "validation.holdout=100",
    "--set", "lr=0.1", "--set", "checkpoint_every=100000", "--set", "compiled=false",
]  # fmt: skip


def run(backend: str, rate: float, seed: int, steps: int) -> tuple[float, float, float]:
    """Accuracy, its standard error and seconds of one run."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--backend", backend, "--seed", str(seed), "--steps", str(steps), "--out", folder]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "facezoo", *RUN, *words, "--set", f"parallel.sample_rate={rate}"],
            check=True, capture_output=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        rows = [json.loads(line) for line in Path(folder, "log.jsonl").read_text(encoding="utf-8").splitlines()]
    last = next(row for row in reversed(rows) if "accuracy" in row)
    return last["accuracy"], last["standard_error"], seconds


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", nargs="+", default=["torch", "paddle"], choices=["torch", "paddle"])
    parser.add_argument("--rate", type=float, nargs="+", default=[1.0, 0.1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    for backend in given.backend:
        for seed in given.seeds:
            for rate in given.rate:
                accuracy, error, seconds = run(backend, rate, seed, given.steps)
                print(
                    f"{backend:<7} seed {seed} rate {rate:<4} accuracy {100 * accuracy:.2f} +- {100 * error:.2f} % "
                    f"{seconds:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
