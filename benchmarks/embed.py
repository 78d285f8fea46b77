"""Images/s in inference: facezoo relative to a plain loop of the same framework, and paddle relative to torch.

The plain loop is the code of a typical user: evaluation mode, no gradient, the network on a batch. Both are measured
alternately; the ratio is the median over the rounds.

    python benchmarks/embed.py --backbone IR50 MobileFaceNet --batch-size 32 --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from facezoo import backends
from facezoo.zoo.create import create_backbone


def plain(backend: str, network: object) -> Callable[[np.ndarray], np.ndarray]:
    network.eval()
    if backend == "torch":
        import torch

        def run(images: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                x = (torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() - 127.5) / 127.5
                return network(x).numpy()

        return run
    import paddle

    def run(images: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            x = (paddle.to_tensor(images).transpose([0, 3, 1, 2]).astype("float32") - 127.5) / 127.5
            return network(x).numpy()

    return run


def measure(backend: str, backbone: str, batch: int, rounds: int) -> dict[str, float | str]:
    images = np.random.default_rng(0).integers(0, 256, (batch, 112, 112, 3), dtype=np.uint8)
    runs = {
        "facezoo": backends.load(backend).build_inference(create_backbone(backbone, backend=backend, seed=0)),
        "plain": plain(backend, create_backbone(backbone, backend=backend, seed=0)),
    }
    outputs = {name: run(images) for name, run in runs.items()}
    difference = np.abs(outputs["facezoo"] - outputs["plain"]).max() / np.abs(outputs["plain"]).max()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run(images)
            times[name].append(time.perf_counter() - began)
    ratio = statistics.median(b / f for b, f in zip(times["plain"], times["facezoo"], strict=True))
    speed = {name: batch / statistics.median(values) for name, values in times.items()}
    return {"backend": backend, "backbone": backbone, **speed, "ratio": ratio, "difference": float(difference)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="+", default=["IR50", "MobileFaceNet"])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        "| backbone | backend | facezoo images/s | plain images/s | facezoo / plain | max difference | paddle / torch |"
    )
    print("|---|---|---|---|---|---|---|")
    for backbone in options.backbone:
        rows = [measure(backend, backbone, options.batch_size, options.rounds) for backend in ("torch", "paddle")]
        for row in rows:
            over = f"{float(row['facezoo']) / float(rows[0]['facezoo']):.2f}" if row["backend"] == "paddle" else ""
            print(
                f"| {backbone} | {row['backend']} | {row['facezoo']:.1f} | {row['plain']:.1f} | {row['ratio']:.2f} "
                f"| {row['difference']:.1e} | {over} |"
            )


if __name__ == "__main__":
    main()
