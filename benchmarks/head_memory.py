"""Memory and time of a training step of the classification layer, beside what ``facezoo train --plan`` says.

    python benchmarks/head_memory.py --backend torch --classes 100000 1000000 --processes 1 2 4

Each process measures its own peak of resident memory over five steps (embeddings of 512 values, 64 images in each
process, SGD with momentum), less what it takes before the head is built. Prints one row for each combination of
classes, processes and rate of Partial FC: planned and measured MiB of the process that takes most, their ratio, and
the median time of a step, also as CPU time, on which other programs have less influence. ``--plot FILE.svg`` draws the
CPU time against the classes, for the first number of processes. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

SIZE, IMAGES, STEPS = 512, 64, 5


def resident(name: str) -> int:
    """Bytes of an entry of /proc/self/status: "VmRSS" is the memory now, "VmHWM" the peak."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def measure(backend: str, head_name: str, classes: int, rate: float) -> dict[str, float]:
    """Peak bytes and seconds of a step in this process."""
    from facezoo import backends
    from facezoo.canonical.class_rows import divide_classes
    from facezoo.interfaces.optimizer import OptimizerSettings
    from facezoo.training.launch import launched_processes
    from facezoo.zoo.create import build_head
    from facezoo.zoo.head_options import HeadOptions

    def native(name: str):  # type: ignore[no-untyped-def]
        return backends.module(backend, name)

    launched = launched_processes(backend)
    native("distributed").join(native("device").pick_device("cpu"))
    options = HeadOptions.parse(head_name, {})

    def layer(total: int):  # type: ignore[no-untyped-def]
        """One step of a layer of so many classes, as a function of its number."""
        rows = divide_classes(total, launched.rank, launched.world_size)
        head = build_head(options, backend=backend, embedding_size=SIZE, num_classes=total, seed=0, rows=rows)
        sharded = native("sharded_head").ShardedHead(head, rows, rate, 0, launched.rank, launched.world_size)
        state = backends.load(backend).state
        trained = [(f"head.{item.name}", item, value) for item, value in state.leaves(head) if item.trained]
        kind = native("row_optimizer").RowOptimizer if rate < 1 else native("optimizers").RunOptimizer
        optimizer = kind(OptimizerSettings(), trained)
        optimizer.set_learning_rate(0.1)
        generator = np.random.default_rng(launched.rank)

        def step(number: int) -> tuple[float, float]:
            embeddings = generator.normal(size=(IMAGES, SIZE)).astype(np.float32)
            labels = generator.integers(0, total, IMAGES)
            start, cpu = time.perf_counter(), time.process_time()
            if rate >= 1:
                optimizer.clear_gradients()
            sharded.choose(labels, number)
            native("introspect_heads").train_part(sharded, embeddings, labels)
            if rate < 1:
                active = {f"head.{name}": value for name, value in sharded.active.items()}
                optimizer.step(active, sharded.index)
            else:
                optimizer.step()
            return time.perf_counter() - start, time.process_time() - cpu

        return step

    layer(20_000)(0)  # libraries allocate when they are first used
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = resident("VmRSS")
    step = layer(classes)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    seconds = [step(number) for number in range(STEPS)]
    wall, cpu = (statistics.median(values) for values in zip(*seconds[1:], strict=True))
    return {"peak": resident("VmHWM") - before, "seconds": wall, "cpu": cpu}


def run(backend: str, head: str, classes: int, processes: int, rate: float) -> float:
    """Start the processes, print a row, and return the CPU seconds of a step."""
    from facezoo.training.config_file import load_config
    from facezoo.training.plan import plan_memory

    if backend == "torch":
        launcher = ["torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", "0",
                    "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0"]  # fmt: skip
    else:
        launcher = ["paddle.distributed.launch", "--nproc_per_node", str(processes), "--backend", "gloo"]
    with tempfile.TemporaryDirectory() as folder:
        if backend == "paddle":
            launcher += ["--log_dir", f"{folder}/logs"]
        launcher = [] if processes == 1 else ["-m", *launcher]
        words = [__file__, "--measure", folder, "--backend", backend, "--head", head, "--classes", str(classes)]
        environment = {
            **os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "MALLOC_MMAP_THRESHOLD_": "65536",  # freed tensors go back to the system and are not counted
        }  # fmt: skip
        subprocess.run(
            [sys.executable, *launcher, *words, "--rate", str(rate)], check=True, capture_output=True, env=environment
        )
        found = [json.loads(path.read_text(encoding="utf-8")) for path in Path(folder).glob("*.json")]
    settings = {"backend": backend, "backbone": "MobileFaceNet", "head": head, "batch_size": IMAGES}
    plan = plan_memory(
        load_config(None, {**settings, "parallel.sample_rate": rate, "parallel.head": "sharded"}), classes, processes
    )
    planned, measured = plan.classification + plan.loss_values, max(row["peak"] for row in found)
    print(
        f"{backend:<7} {head:<14} {classes:>9,} classes {processes} processes rate {rate:<4} planned "
        f"{planned / 2**20:7.0f} MiB measured {measured / 2**20:7.0f} MiB ratio {measured / planned:.2f} "
        f"step {max(row['seconds'] for row in found):.3f} s, {max(row['cpu'] for row in found):.3f} s of CPU",
        flush=True,
    )
    return max(row["cpu"] for row in found)


def draw(path: Path, times: dict[tuple[str, float], list[tuple[int, float]]]) -> None:
    """A plot of the time of a step against the classes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5.2, 3.4))
    for (backend, rate), points in times.items():
        label = f"{backend}, {'all classes' if rate == 1 else f'Partial FC {rate:g}'}"
        axes.loglog(*zip(*points, strict=True), marker="o", linestyle="-" if rate == 1 else "--", label=label)
    axes.set_xlabel("classes")
    axes.set_ylabel("CPU time of a step, s")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    mpl.rcParams["svg.hashsalt"] = "facezoo"  # the same bytes for the same numbers
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", nargs="+", default=["torch"], choices=["torch", "paddle"])
    parser.add_argument("--head", default="CosFace")
    parser.add_argument("--classes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rate", type=float, nargs="+", default=[1.0, 0.1])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        row = measure(given.backend[0], given.head, given.classes[0], given.rate[0])
        Path(given.measure, f"{os.getpid()}.json").write_text(json.dumps(row), encoding="utf-8")
        return
    times: dict[tuple[str, float], list[tuple[int, float]]] = {}
    for backend, classes, processes, rate in product(given.backend, given.classes, given.processes, given.rate):
        seconds = run(backend, given.head, classes, processes, rate)
        if processes == given.processes[0]:
            times.setdefault((backend, rate), []).append((classes, seconds))
    if given.plot:
        draw(given.plot, times)


if __name__ == "__main__":
    main()
