"""Time from the launch of ``facezoo train`` to the end of its first step.

    python benchmarks/first_step.py --images 8000 --batch-size 32

Trains MobileFaceNet on a folder of so many synthetic faces of 112 x 112, 20 of each identity, for one step. Prints for
each backend the shortest of several calls, and the CPU time of the whole command, on which other programs have less
influence.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from facezoo.data.sources.synthetic import SyntheticFaces


def make_faces(root: Path, images: int) -> None:
    """A folder of faces; the images are few, and their files many."""
    drawn = SyntheticFaces(8, 4)
    for number in range(images):
        path = root / f"{number // 20:05d}" / f"{number % 20:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(number % len(drawn))).save(path)


def start(backend: str, faces: Path, batch: int) -> tuple[float, float]:
    """Seconds to the first step, and CPU seconds of the command."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        words = ["--backend", backend, "--backbone", "MobileFaceNet", "--data", faces, "--steps", "1", "--out", run]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        subprocess.run(
            [sys.executable, "-m", "facezoo", "train", *map(str, words), "--batch-size", str(batch)],
            check=True, capture_output=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        first = json.loads((run / "log.jsonl").read_text(encoding="utf-8").splitlines()[0])
    return first["time"] - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", nargs="+", default=["torch", "paddle"], choices=["torch", "paddle"])
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_faces(Path(folder), given.images)
        for backend in given.backend:
            calls = [start(backend, Path(folder), given.batch_size) for _ in range(given.times)]
            wall, cpu = (min(values) for values in zip(*calls, strict=True))
            print(f"{backend:<7} first step after {wall:.1f} s; the whole command takes {cpu:.1f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
