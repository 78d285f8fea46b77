"""IJB-C at full size with synthetic embeddings and list files in the official layout: time and peak memory.

469,375 images in 23,124 templates, 15,658,489 pairs of which 19,557 are genuine. The embeddings are a plain .npy that
is read in blocks. A small set of the same kind is also computed in plain loops; both results must be equal.

    python benchmarks/ijbc_scale.py --folder /some/disk/ijbc
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

IMAGES, TEMPLATES, PAIRS, GENUINE = 469_375, 23_124, 15_658_489, 19_557
FAR = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6]


def make(folder, images, templates, pairs, genuine, width=512):
    """Lists and embeddings; subjects have about six templates, as in IJB-C."""
    rng = np.random.default_rng(images)
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    subject = rng.integers(0, max(2, templates * 3531 // 23124), templates)
    owner = np.sort(np.concatenate([np.arange(templates), rng.integers(0, templates, images - templates)]))
    media = rng.integers(0, 6, images)
    score = rng.uniform(0.5, 1.0, images)
    centres = rng.standard_normal((subject.max() + 1, width), dtype=np.float32)
    own = centres[subject] + 2.0 * rng.standard_normal(
        (templates, width), dtype=np.float32
    )  # difficult enough for errors
    rows = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, (images, width))
    for start in range(0, images, 16384):
        at = owner[start : start + 16384]
        rows[start : start + len(at)] = own[at] + 2.5 * rng.standard_normal((len(at), width), dtype=np.float32)
    rows.flush()
    with open(folder / "meta/ijbc_face_tid_mid.txt", "w") as handle:
        handle.writelines(f"{i}.jpg {t + 1} {m}\n" for i, (t, m) in enumerate(zip(owner, media, strict=True)))
    with open(folder / "meta/ijbc_name_5pts_score.txt", "w") as handle:
        points = " 46.1 62.2 87.3 63.4 58.5 95.2 51.5 105.9 77.6 106.8"
        handle.writelines(f"{i}.jpg{points} {s:.6f}\n" for i, s in enumerate(score))
    one, two, same = draw_pairs(rng, subject, pairs, genuine)
    with open(folder / "meta/ijbc_template_pair_label.txt", "w") as handle:
        for start in range(0, len(one), 1 << 18):
            part = slice(start, start + (1 << 18))
            handle.writelines(
                f"{a + 1} {b + 1} {s}\n" for a, b, s in zip(one[part], two[part], same[part], strict=True)
            )


def draw_pairs(rng, subject, pairs, genuine):
    """Template pairs with a given number of genuine ones."""
    order = np.argsort(subject, kind="stable")
    neighbours = np.flatnonzero(subject[order][1:] == subject[order][:-1])
    chosen = rng.choice(neighbours, genuine, replace=genuine > len(neighbours))
    one, two = rng.integers(0, len(subject), (2, pairs - genuine), dtype=np.int32)
    clash = subject[one] == subject[two]
    while clash.any():
        two[clash] = rng.integers(0, len(subject), int(clash.sum()))
        clash = subject[one] == subject[two]
    one, two = np.concatenate([order[chosen], one]), np.concatenate([order[chosen + 1], two])
    same = np.concatenate([np.ones(genuine, np.int8), np.zeros(pairs - genuine, np.int8)])
    mixed = rng.permutation(pairs)
    return one[mixed], two[mixed], same[mixed]


def protocol():
    """IJB-C 1:1 with all FARs."""
    from facezoo.evaluation import load_protocol

    return load_protocol("ijbc")


def run(folder):
    """The protocol on the file of rows."""
    from facezoo.evaluation import run_protocol
    from facezoo.evaluation.inputs.rows import NpyRows

    start, processor = time.perf_counter(), time.process_time()
    task = run_protocol(protocol(), NpyRows(folder / "rows.npy"), lists=folder).tasks[0]
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - processor,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "figures": {figure.name: figure.value for figure in task.figures},
    }


def plain(folder):
    """The same metrics in loops, from the definition."""
    rows = np.load(folder / "rows.npy").astype(float)
    lists = ("face_tid_mid", "name_5pts_score", "template_pair_label")
    listed, points, pairs = (
        [line.split() for line in (folder / f"meta/ijbc_{name}.txt").read_text().splitlines()] for name in lists
    )
    score = [float(words[-1]) for words in points]
    templates = {}
    for row, (_, template, medium), weight in zip(rows, listed, score, strict=True):
        templates.setdefault(template, {}).setdefault(medium, []).append(weight * row)
    pooled = {}
    for template, media in templates.items():
        total = sum(np.mean(images, axis=0) for images in media.values())
        pooled[template] = total / np.linalg.norm(total)
    scores = np.array([pooled[one] @ pooled[two] for one, two, _ in pairs])
    same = np.array([label == "1" for *_, label in pairs])
    wrong = np.sort(scores[~same])[::-1]
    return {f"TAR at FAR {far:g}": float(np.mean(scores[same] > wrong[int(far * len(wrong))])) for far in FAR}


def child(folder):
    """The protocol in its own process, to measure its peak memory."""
    words = [sys.executable, __file__, "--folder", str(folder), "--child"]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="needs 1.3 GB for the full size")
    parser.add_argument("--keep", action="store_true", help="use the files of an earlier run")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(run(args.folder)))
        return
    small = args.folder / "small"
    make(small, 3000, 400, 120_000, 800)
    found, expected = run(small)["figures"], plain(small)
    for name, value in expected.items():
        if not np.isnan(found[name]) and abs(found[name] - value) > 1e-12:
            raise SystemExit(f"{name}: {found[name]} but {value} in plain loops")
    print("small set agrees with plain loops:", {name: found[name] for name in expected})
    if not args.keep:
        make(args.folder, IMAGES, TEMPLATES, PAIRS, GENUINE)
    full = child(args.folder)
    print(f"{IMAGES:,} images, {TEMPLATES:,} templates, {PAIRS:,} pairs:", end=" ")
    print(f"{full['seconds']:.1f} s ({full['cpu']:.1f} s cpu), peak {full['mib']:.0f} MiB")
    print(full["figures"])


if __name__ == "__main__":
    main()
