"""A run that goes on with other numbers of processes, against one that is left alone: losses of each step.

    python benchmarks/world_sizes.py --backend torch paddle --steps 60

Trains MobileFaceNet in float64 on synthetic faces of 32 x 32, 24 images in a step and batch norm over all processes:
in 2 processes, and in 2, then 1, then 3 for a third of the steps each. Prints the largest relative difference of the
loss of a step, with micro-batches that grow in the one process (``accumulation=1``), and that do not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = [
    "backbone_options.dropout=0.0", "backbone_options.input_size=32", "embedding_size=32", "data.identities=20",
    "data.images_per_identity=12", "parallel.sync_batch_norm=true", "schedule.name=constant", "schedule.warmup=0.0",
    "lr=0.01", "compiled=false", "checkpoint_every=10", "log_every=1", "validation.holdout=2",
]  # fmt: skip
TRAIN = ["--backbone", "MobileFaceNet", "--head", "CosFace", "--batch-size", "12", "--precision", "float64"]


def launch(backend: str, processes: int, run: Path, words: list[str]) -> None:
    """Start or continue a run in so many processes."""
    launcher = {
        "torch": ["torch.distributed.run", "--nproc-per-node", str(processes), "--rdzv-backend", "c10d",
                  "--rdzv-endpoint", "localhost:0"],
        "paddle": ["paddle.distributed.launch", "--nproc_per_node", str(processes), "--backend", "gloo",
                   "--log_dir", str(run.with_name("logs"))],
    }[backend]  # fmt: skip
    own = ["-m", *launcher] if processes > 1 else []
    command = [sys.executable, *own, "-m", "facezoo", "train", "--backend", backend, "--out", str(run), *words]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[1])


def losses(run: Path) -> list[float]:
    """The loss of each step."""
    rows = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", nargs="+", default=["torch", "paddle"], choices=["torch", "paddle"])
    parser.add_argument("--steps", type=int, default=60)
    given = parser.parse_args()
    first = [*TRAIN, *(word for setting in SETTINGS for word in ("--set", setting))]
    for backend in given.backend:
        with tempfile.TemporaryDirectory() as folder:
            launch(backend, 2, Path(folder, "alone"), [*first, "--steps", str(given.steps)])
            wanted = losses(Path(folder, "alone"))
            for what, alone in (("growing", ["--set", "accumulation=1"]), ("equal", [])):
                run = Path(folder, what)
                launch(backend, 2, run, [*first, "--steps", str(given.steps // 3)])
                launch(backend, 1, run, ["--resume", "--steps", str(2 * given.steps // 3), *alone])
                launch(backend, 3, run, ["--resume", "--steps", str(given.steps)])
                apart = max(abs(found / loss - 1) for found, loss in zip(losses(run), wanted, strict=True))
                print(f"{backend:<7} {what:<8} micro-batches: largest difference {apart:.1e}", flush=True)


if __name__ == "__main__":
    main()
