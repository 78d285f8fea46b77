"""Exchange of gradients between processes: during the backward pass, and after it, against a step without exchange.

    torchrun --nproc-per-node 2 benchmarks/overlap.py --backend torch
    python -m paddle.distributed.launch --nproc_per_node 2 --backend gloo benchmarks/overlap.py --backend paddle

Forward and backward pass and update of a backbone with a dense CosFace, in three forms that take turns: each process
for itself; gradients of all parameters averaged in one piece after the backward pass; and averaged in buckets during
the backward pass, as the engine does. Prints medians over the rounds of the slowest process, and their ratio to the
form without exchange.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import nullcontext
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

FORMS = ("alone", "after the backward pass", "during the backward pass")


def step(engine: Any, average: Any, form: str, images: np.ndarray, labels: np.ndarray) -> None:
    """One step in one of ``FORMS``."""
    engine.optimizer.clear_gradients()
    with nullcontext() if form == FORMS[2] else engine._replica.no_sync():
        engine._loss(images, labels).backward()
    if form == FORMS[1]:
        average([value.grad for _, _, value in engine._whole])
    engine.optimizer.step()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="torch", choices=["torch", "paddle"])
    parser.add_argument("--backbone", default="IR18")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    settings = {"backend": given.backend, "backbone": given.backbone, "head": "CosFace", "parallel.head": "dense"}
    engine: Any = create_engine(load_config(None, {**settings, "compiled": False}), 16)
    if engine.world_size < 2:
        parser.error("start it in two processes or more, by the launcher of the backend: see above")
    engine.set_learning_rate(0.001)
    engine.backbone.train()
    average = backends.module(given.backend, "distributed").average
    images = np.random.default_rng(engine.rank).integers(0, 256, (given.batch_size, 112, 112, 3), dtype=np.uint8)
    labels = np.arange(given.batch_size) % 16
    seconds: dict[str, list[float]] = {form: [] for form in FORMS}
    for number in range(given.rounds + 1):
        for form in FORMS:
            engine.barrier()
            start = time.perf_counter()
            step(engine, average, form, images, labels)
            slowest = float(engine.gather(np.array([time.perf_counter() - start])).max())
            if number:  # the first round allocates
                seconds[form].append(slowest)
    if engine.rank == 0:
        base = statistics.median(seconds[FORMS[0]])
        for form, values in seconds.items():
            median = statistics.median(values)
            print(f"{given.backend} {given.backbone}, {form:<25} {median:.3f} s, {median / base:.3f} of alone")


if __name__ == "__main__":
    main()
