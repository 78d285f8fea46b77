"""Images/s in training: the engine relative to a plain loop of the same framework, and paddle relative to torch.

The plain loop is the code of a typical user: the same network and head with the framework's own SGD. Engine and plain
loop are measured alternately, so that other load affects both; the ratio is the median over the rounds. Each backbone
and backend runs in its own process, so that the threads of the frameworks do not disturb each other.

    python benchmarks/train_step.py --backbone IR50 MobileFaceNet --batch-size 16 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

CLASSES = 1000


def engine_step(backend: str, backbone: str, precision: str) -> Callable[[np.ndarray, np.ndarray], None]:
    settings = {"backend": backend, "backbone": backbone, "head": "ArcFace", "precision": precision}
    engine = create_engine(load_config(None, settings), CLASSES)
    engine.set_learning_rate(0.01)
    count = iter(range(10**9))
    return lambda images, labels: engine.train_step(images, labels, next(count))


def plain_torch(backbone: str, precision: str) -> Callable[[np.ndarray, np.ndarray], None]:
    import torch

    from facezoo.zoo.create import create_backbone, create_head

    network = create_backbone(backbone, backend="torch", seed=0)
    head = create_head("ArcFace", backend="torch", embedding_size=512, num_classes=CLASSES, seed=0)
    optimizer = torch.optim.SGD([*network.parameters(), *head.parameters()], lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step(images: np.ndarray, labels: np.ndarray) -> None:
        x = (torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() - 127.5) / 127.5
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = head(network(x), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        float(loss.detach())

    return step


def plain_paddle(backbone: str, precision: str) -> Callable[[np.ndarray, np.ndarray], None]:
    import paddle

    from facezoo.zoo.create import create_backbone, create_head

    network = create_backbone(backbone, backend="paddle", seed=0)
    head = create_head("ArcFace", backend="paddle", embedding_size=512, num_classes=CLASSES, seed=0)
    optimizer = paddle.optimizer.Momentum(
        0.01, 0.9, parameters=[*network.parameters(), *head.parameters()], weight_decay=5e-4
    )

    def step(images: np.ndarray, labels: np.ndarray) -> None:
        x = (paddle.to_tensor(images).transpose([0, 3, 1, 2]).astype("float32") - 127.5) / 127.5
        with paddle.amp.auto_cast(enable=precision == "bfloat16", dtype="bfloat16"):
            loss = head(network(x), paddle.to_tensor(labels))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        float(loss)

    return step


PLAIN = {"torch": plain_torch, "paddle": plain_paddle}


def measure(backend: str, backbone: str, precision: str, batch: int, rounds: int) -> dict[str, float | str]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, 112, 112, 3), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, batch)
    loops = {"engine": engine_step(backend, backbone, precision), "plain": PLAIN[backend](backbone, precision)}
    for step in loops.values():
        step(images, labels)  # compilation and first allocations do not count
    times: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, step in loops.items():
            began = time.perf_counter()
            step(images, labels)
            times[name].append(time.perf_counter() - began)
    ratio = statistics.median(plain / engine for plain, engine in zip(times["plain"], times["engine"], strict=True))
    speed = {name: batch / statistics.median(values) for name, values in times.items()}
    return {"backend": backend, "backbone": backbone, "precision": precision, **speed, "engine/plain": ratio}


def measure_apart(backend: str, backbone: str, precision: str, batch: int, rounds: int) -> dict[str, float | str]:
    """:func:`measure` in its own process."""
    words = ["--backbone", backbone, "--backend", backend, "--precision", precision]
    words += ["--batch-size", str(batch), "--rounds", str(rounds), "--json"]
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout[done.stdout.index("[\n") :])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="+", default=["IR50", "MobileFaceNet"])
    parser.add_argument("--backend", nargs="+", default=["torch", "paddle"])
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    alone = len(options.backbone) * len(options.backend) * len(options.precision) == 1
    measured = measure if alone else measure_apart
    for backbone in options.backbone:
        for precision in options.precision:
            mine = [
                measured(backend, backbone, precision, options.batch_size, options.rounds)
                for backend in options.backend
            ]
            rows += mine
            if len(mine) == 2:
                mine[1]["paddle/torch"] = float(mine[1]["engine"]) / float(mine[0]["engine"])
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(
        "| backbone | backend | precision | engine images/s | plain loop images/s | engine / plain | paddle / torch |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        over = f"{row['paddle/torch']:.2f}" if "paddle/torch" in row else ""
        print(
            f"| {row['backbone']} | {row['backend']} | {row['precision']} | {row['engine']:.1f} | {row['plain']:.1f} "
            f"| {row['engine/plain']:.2f} | {over} |"
        )


if __name__ == "__main__":
    main()
