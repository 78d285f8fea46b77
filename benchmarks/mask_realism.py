"""Do drawn masks act on a model as real masks do? ``python benchmarks/mask_realism.py --weights W --data MFR2``.

MFR2 has photos of each person with and without a real mask. For all pairs of two photos of a person, of which the first
shows no mask, the mean cosine is printed where the second shows no mask, a real mask, or a drawn mask on a face without
one; the same for pairs of two people. Drawn masks act on the model as real ones where both means are alike.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import facezoo
from facezoo.data.image import read_image
from facezoo.data.transforms.masks.shapes import KINDS, WORN
from facezoo.data.transforms.masks.wear import GENERATORS, WornMask
from facezoo.rng import generator


def means(plain: np.ndarray, people: np.ndarray, others: np.ndarray, whose: np.ndarray, same_set: bool) -> list[float]:
    """Mean cosine of pairs of one person and of two people.

    Args:
        plain: unit embeddings (n, E) without a mask.
        people: (n,) their people.
        others: unit embeddings (m, E) of the second photos.
        whose: (m,) their people.
        same_set: whether both are the same photos in the same order; a photo is not paired with itself.
    """
    scores, same = plain @ others.T, people[:, None] == whose
    apart = ~np.eye(len(plain), len(others), dtype=bool) if same_set else np.ones_like(same)
    return [round(float(scores[chosen & apart].mean()), 4) for chosen in (same, ~same)]


def main() -> None:
    """Print one JSON line for each kind of second photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", type=Path, required=True, help="crops of MFR2, as `facezoo align` writes them")
    parser.add_argument("--labels", type=Path, required=True, help="mfr2_labels.txt")
    given = parser.parse_args()
    photos: dict[bool, list[tuple[str, np.ndarray]]] = {True: [], False: []}
    for line in given.labels.read_text(encoding="utf-8").splitlines():
        person, number, kind = (part.strip() for part in line.split(","))
        path = given.data / person / f"{person}_{int(number):04}.png"
        if path.is_file():
            photos[kind != "no-mask"].append((person, read_image(path)))
    embedder = facezoo.Embedder(given.weights)
    people, whose = (np.array([person for person, _ in photos[worn]]) for worn in (False, True))
    plain, real = (embedder.embed(np.stack([image for _, image in photos[worn]])) for worn in (False, True))
    counts = {"plain": len(plain), "masked": len(real)}
    print(json.dumps({"second": "no mask", "means": means(plain, people, plain, people, True), **counts}))
    print(json.dumps({"second": "real mask", "means": means(plain, people, real, whose, False)}))
    for name in GENERATORS:
        drawn = np.stack([
            WornMask(name, KINDS[number % len(KINDS)], WORN[0]).draw(image, generator(0, "realism", number))
            for number, (_, image) in enumerate(photos[False])
        ])  # fmt: skip
        found = means(plain, people, embedder.embed(drawn), people, True)
        print(json.dumps({"second": f"drawn mask, {name}", "means": found}))


if __name__ == "__main__":
    main()
