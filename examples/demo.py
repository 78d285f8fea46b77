"""``make demo``: train a small network on each backend on synthetic faces, and evaluate each on both backends.

``python examples/demo.py --steps 20`` takes less time, with lower accuracy.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import facezoo
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.draw_pairs import draw_pairs
from facezoo.evaluation import pair_scores, verification
from facezoo.training.config_file import load_config
from facezoo.training.run import run_training

RECIPE = "tiny_mobilefacenet"
BACKENDS = ("torch", "paddle")
IDENTITIES = 40  # of the evaluation; not part of training or validation


def main() -> int:
    """Train, evaluate, print the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Train a small network on both backends and compare.")
    parser.add_argument("--steps", type=int, help="steps of each training; default: those of the recipe")
    steps = parser.parse_args().steps
    faces = SyntheticFaces(IDENTITIES, 10, seed=0, size=64, first_identity=1000)
    pairs, same = draw_pairs(faces.labels, 1200, seed=0)
    crops = np.stack([faces.image(index) for index in range(len(faces))])
    table = Table(
        "trained on", "steps", "mean of the last losses", "seconds", *(f"accuracy on {name}" for name in BACKENDS)
    )
    with tempfile.TemporaryDirectory() as folder:
        for backend in BACKENDS:
            config = load_config(RECIPE, {"backend": backend, "steps": steps})
            began = time.perf_counter()
            finished = run_training(config, Path(folder) / backend, on_progress=_print_step)
            seconds = time.perf_counter() - began
            cells = [_verify(finished.weights, name, crops, pairs, same) for name in BACKENDS]
            result = finished.result
            table.add_row(backend, str(result.step), f"{result.loss:.3f}", f"{seconds:.0f}", *cells)
    print(f"{len(same)} pairs of {IDENTITIES} new synthetic identities; ten-fold accuracy ± standard error")
    Console(width=100).print(table)
    return 0


def _print_step(done: int, total: int | None = None, text: str = "", /) -> None:
    if done == 1 or done % 20 == 0:
        print(f"  step {done}/{total}  {text}", flush=True)


def _verify(weights: Path, backend: str, crops: np.ndarray, pairs: np.ndarray, same: np.ndarray) -> str:
    """Ten-fold accuracy of a weight file on one backend."""
    embeddings = facezoo.Embedder(weights, backend=backend).embed(crops)  # (N, E)
    result = verification(pair_scores(embeddings, pairs[:, 0], pairs[:, 1]), same)
    return f"{100 * result.accuracy:.2f} ± {100 * result.standard_error:.2f} %"


if __name__ == "__main__":
    sys.exit(main())
