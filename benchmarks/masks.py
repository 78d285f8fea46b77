"""Masks drawn per second and core, by generator and size: ``python benchmarks/masks.py``.

CPU time of one thread; the median of rounds in which the generators take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np

from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.transforms.masks.shapes import KINDS, WORN
from facezoo.data.transforms.masks.wear import GENERATORS, WornMask
from facezoo.rng import generator


def seconds_of(name: str, images: list[np.ndarray], first: int) -> float:
    """CPU seconds per image."""
    begin = time.process_time()
    for number, image in enumerate(images, first):
        WornMask(name, KINDS[number % len(KINDS)], WORN[0]).draw(image, generator(0, "bench", number))
    return (time.process_time() - begin) / len(images)


def main() -> None:
    """Print one JSON line for each generator and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=70, help="in each round")
    given = parser.parse_args()
    for size in (112, 224):
        source = SyntheticFaces(identities=7, images_per_identity=1, size=size)
        images = [source.image(number % 7) for number in range(given.images)]
        times: dict[str, list[float]] = {name: [] for name in GENERATORS}
        for number in range(given.rounds + 1):
            for name in GENERATORS:
                taken = seconds_of(name, images, number * given.images)
                if number:  # the first round fills caches
                    times[name].append(taken)
        for name, taken in times.items():
            middle = statistics.median(taken)
            print(json.dumps({
                "generator": name, "size": size, "milliseconds": round(1e3 * middle, 2),
                "images_per_second_and_core": round(1 / middle), "fastest": round(1 / min(taken)),
            }))  # fmt: skip


if __name__ == "__main__":
    main()
