"""CPU time of one image on one thread, for every backbone on both backends: the column of the zoo's table.

Each network embeds one random image through the engine's inference, with random weights. The CPU time of the process is
counted, because it depends little on other programs; the median of the rounds is kept.

    OMP_NUM_THREADS=1 python benchmarks/zoo_latency.py --out docs/zoo/latency.json
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from pathlib import Path

import numpy as np

from facezoo import backends
from facezoo.zoo.catalog import BACKBONES
from facezoo.zoo.create import create_backbone

BACKENDS = ("torch", "paddle")
WARM = 17


def milliseconds(name: str, backend: str, rounds: int) -> float:
    spec = BACKBONES[name]
    image = np.random.default_rng(0).integers(0, 256, (1, *spec.input_size, 3), dtype=np.uint8)
    embed = backends.load(backend).build_inference(create_backbone(name, backend=backend, seed=0), threads=1)
    embed(np.repeat(image, WARM, axis=0))  # paddle compiles its program at a batch of more than 16 images
    embed(image)
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        embed(image)
        taken.append(1000 * (time.process_time() - began))
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="BACKBONE", help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found = json.loads(options.out.read_text()) if options.out.is_file() else {}
    for name in options.names or BACKBONES:
        found[name] = {backend: round(milliseconds(name, backend, options.rounds), 1) for backend in BACKENDS}
        print(name, found[name], flush=True)
        gc.collect()
        options.out.write_text(json.dumps({key: found[key] for key in BACKBONES if key in found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
