"""Galleries of 100,000 and 1,000,000 persons: time to build, to search for the first and second time, enrol, remove.

Embeddings are drawn: each person is a point in a subspace of 128 dimensions plus noise in all of them, and each query
is the person's embedding plus noise, with a cosine similarity of about 0.7. The first query is the first of a new
process, without its start; the second is the median of the later ones. The answers of the index are compared with the
exact ones.

    python benchmarks/gallery.py --folder /some/disk/galleries            # needs 7 GB for one million
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SIZE, SUBSPACE, QUERIES, TOP = 512, 128, 200, 5
PIECE = 50_000


def unit(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def persons(start, count):
    """Embeddings of persons ``start`` to ``start + count``; they do not depend on where a piece begins."""
    basis = np.random.default_rng(0).standard_normal((SUBSPACE, SIZE), np.float32)
    draw = np.random.default_rng([1, start])
    inside = unit(draw.standard_normal((count, SUBSPACE), np.float32) @ basis)
    return unit(inside + 0.5 * unit(draw.standard_normal((count, SIZE), np.float32)))


def queries(count):
    """Persons and an embedding of another photo of each."""
    draw = np.random.default_rng(2)
    chosen = np.sort(draw.choice(count, QUERIES, replace=False))
    own = np.concatenate(
        [persons(start, PIECE)[chosen[(chosen >= start) & (chosen < start + PIECE)] - start]
         for start in range(0, count, PIECE)]
    )  # fmt: skip
    return chosen, unit(own + unit(draw.standard_normal(own.shape, np.float32)))


def build(folder, count):
    """Enrol everybody in pieces."""
    from facezoo.inference.stored_gallery import StoredGallery

    gallery = StoredGallery.create(folder, SIZE)
    seconds = 0.0
    for start in range(0, count, PIECE):
        rows = persons(start, min(PIECE, count - start))
        begin = time.perf_counter()
        gallery.enrol([f"person {start + number:07d}" for number in range(len(rows))], rows)
        seconds += time.perf_counter() - begin
    return seconds


def search(folder, count, exact):
    """Seconds of the first and of later queries, and the answers; runs in a process of its own."""
    from facezoo.inference.stored_gallery import StoredGallery

    chosen, asked = queries(count)
    asked = asked[:: 1 if not exact or count <= 100_000 else 4]
    chosen = chosen[:: 1 if not exact or count <= 100_000 else 4]
    gallery, times, answers = StoredGallery(folder), [], []
    for query in asked:
        begin = time.perf_counter()
        answers.append([name for name, _ in gallery.search(query[None], TOP, exact=exact)[0]])
        times.append(time.perf_counter() - begin)
    right = np.mean([found[0] == f"person {person:07d}" for found, person in zip(answers, chosen, strict=True)])
    return {"first": times[0], "later": statistics.median(times[1:]), "right": right, "answers": answers}


def child(folder, count, *, exact):
    words = [sys.executable, __file__, "--folder", str(folder), "--child", str(count), *(["--exact"] if exact else [])]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def change(folder, count):
    """Seconds to enrol one person, 1,000 persons, and to remove one."""
    from facezoo.inference.stored_gallery import StoredGallery

    gallery, rows, times = StoredGallery(folder), persons(count, 1002), {}
    for title, names in (("enrol 1", ["new"]), ("enrol 1,000", [f"new {number}" for number in range(1000)])):
        begin = time.perf_counter()
        gallery.enrol(names, rows[: len(names)] if len(names) > 1 else rows[-1:])
        times[title] = time.perf_counter() - begin
    for title, name in (("remove 1 new", "new"), ("remove 1 old", "person 0000001")):
        begin = time.perf_counter()
        gallery.remove([name])
        times[title] = time.perf_counter() - begin
    return times


def shown(title, seconds):
    print(f"  {title:<28} {seconds:9.4f} s" if seconds < 10 else f"  {title:<28} {seconds:9.1f} s", flush=True)


def measure(folder, count):
    """All figures of one size."""
    from facezoo.inference.stored_gallery import StoredGallery

    shutil.rmtree(folder, ignore_errors=True)
    print(f"{count:,} persons, {SIZE} values")
    shown("build", build(folder, count))
    exact = child(folder, count, exact=True)
    shown("exact: first query", exact["first"])
    shown("exact: second query", exact["later"])
    for title, seconds in change(folder, count).items():
        shown(title, seconds)
    begin = time.perf_counter()
    StoredGallery(folder).build_index()
    shown("build the index", time.perf_counter() - begin)
    found = child(folder, count, exact=False)
    shown("index: first query", found["first"])
    shown("index: second query", found["later"])
    for title, seconds in change_indexed(folder).items():
        shown(title, seconds)
    answers = found["answers"][:: QUERIES // len(exact["answers"])]
    first = np.mean([one[0] == other[0] for one, other in zip(exact["answers"], answers, strict=True)])
    all_of = np.mean([len(set(one) & set(two)) / TOP for one, two in zip(exact["answers"], answers, strict=True)])
    print(f"  right person first: exact {exact['right']:.4f}, index {found['right']:.4f}")
    print(
        f"  index against exact, {len(answers)} queries: first equal {first:.4f}, of the first {TOP} found {all_of:.4f}"
    )
    size = {path.name: f"{path.stat().st_size / 1e6:.0f} MB" for path in sorted(folder.iterdir())}
    print(f"  files: {size}")


def change_indexed(folder):
    """Seconds to enrol and to remove a person where there is an index."""
    from facezoo.inference.stored_gallery import StoredGallery

    gallery, times = StoredGallery(folder), {}
    begin = time.perf_counter()
    gallery.enrol(["newer"], persons(0, 1))
    times["with index: enrol 1"] = time.perf_counter() - begin
    begin = time.perf_counter()
    gallery.remove(["person 0000002"])
    times["with index: remove 1 old"] = time.perf_counter() - begin
    return times


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--persons", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--exact", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(search(args.folder, args.child, args.exact)))
        return
    for count in args.persons:
        measure(args.folder / str(count), count)


if __name__ == "__main__":
    main()
