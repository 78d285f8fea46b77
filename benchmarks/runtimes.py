"""Embedding on the CPU: torch, paddle, onnxruntime and OpenVINO with the same weights, in alternating rounds.

Each figure is the median over the rounds of the CPU time per image; a ratio is the median of the ratios within a round,
above 1 where it is faster than onnxruntime. CPU time, because other processes then disturb it less; one thread unless
OMP_NUM_THREADS says otherwise.

    OMP_NUM_THREADS=1 python benchmarks/runtimes.py --backbone MobileFaceNet IR50 --batch-size 1 16 64 --rounds 5
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

import facezoo
from facezoo import backends

WARM = 3  # batches before the first round
PEER = "onnxruntime"


def embedders(weights: Path, threads: int) -> dict[str, facezoo.Embedder]:
    found = {
        name: facezoo.Embedder(weights, backend=name, flip=False, threads=threads) for name in backends.available()
    }
    for runtime in ("onnxruntime", "openvino"):
        if importlib.util.find_spec(runtime) is not None:
            found[runtime] = facezoo.Embedder(weights, runtime=runtime, flip=False, threads=threads)
    return found


def measure(runs: dict[str, facezoo.Embedder], batch: int, rounds: int) -> dict[str, list[float]]:
    images = np.random.default_rng(0).integers(0, 256, (batch, 112, 112, 3), dtype=np.uint8)
    warm = np.repeat(images, -(-32 // batch), axis=0)  # so many that the backends have made their programs
    expected = runs[PEER].raw(images)
    for name, run in runs.items():
        run.raw(warm)
        for _ in range(WARM):
            found = run.raw(images)
        apart = np.abs(found - expected).max() / np.abs(expected).max()
        assert apart < 1e-3, f"{name} differs by {apart:.1e}"
    repeats = max(1, 16 // batch)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            for _ in range(repeats):
                run.raw(images)
            times[name].append((time.process_time() - began) / repeats / batch)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="+", default=["MobileFaceNet", "IR50"])
    parser.add_argument("--batch-size", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    threads = int(os.environ["OMP_NUM_THREADS"])
    print("| backbone | batch | what | ms of CPU per image | against onnxruntime |")
    print("|---|---|---|---|---|")
    for backbone in options.backbone:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / "w.safetensors"
            facezoo.save_weights(facezoo.create_backbone(backbone, backend="torch", seed=0), weights)
            runs = embedders(weights, threads)
            for batch in options.batch_size:
                times = measure(runs, batch, options.rounds)
                for name, values in times.items():
                    ratio = statistics.median(peer / own for peer, own in zip(times[PEER], values, strict=True))
                    own = 1000 * statistics.median(values)
                    print(f"| {backbone} | {batch} | {name} | {own:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
