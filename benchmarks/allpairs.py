"""All pairs of N embeddings: time relative to the plain matrix product, and peak memory, for several N.

The plain product is the full X @ X.T of float32 rows in blocks of 2048; its results are discarded. Each runs in its own
process, one after the other, the product first and last, so that other load becomes visible. Processor time is printed
with wall time, because other load changes it little.

    python benchmarks/allpairs.py --sizes 5000 20000 57715 --out allpairs.json
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

import numpy as np

FAR = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)


def make(size, width, per_identity, folder):
    """Rows of length 1 around identity centres, written to disk."""
    rng = np.random.default_rng(size)
    labels = rng.integers(0, max(2, size // per_identity), size)
    centres = rng.standard_normal((labels.max() + 1, width), dtype=np.float32)
    rows = np.empty((size, width), np.float32)
    for start in range(0, size, 4096):
        part = centres[labels[start : start + 4096]] + 2 * rng.standard_normal(
            (min(4096, size - start), width), dtype=np.float32
        )
        rows[start : start + 4096] = part / np.linalg.norm(part, axis=1, keepdims=True)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "labels.npy", labels)


def clocks():
    """The current wall and processor time."""
    return time.perf_counter(), time.process_time()


def since(start):
    """Wall and processor time since then."""
    wall, processor = clocks()
    return {"seconds": wall - start[0], "cpu": processor - start[1]}


def bare(folder):
    """Only the product."""
    rows = np.load(folder / "rows.npy")
    out = np.empty((2048, 2048), np.float32)
    start = clocks()
    for row in range(0, len(rows), 2048):
        left = rows[row : row + 2048]
        for column in range(0, len(rows), 2048):
            right = rows[column : column + 2048]
            np.matmul(left, right.T, out=out[: len(left), : len(right)])
    return since(start)


def ours(folder, precision):
    """The whole evaluation."""
    from facezoo.evaluation import all_pairs

    rows, labels = np.load(folder / "rows.npy"), np.load(folder / "labels.npy")
    start = clocks()
    result = all_pairs(rows, labels, FAR, precision=precision)
    return {**since(start), "result": result.to_dict()}


def scikit(folder):
    """``sklearn.metrics.roc_curve`` on all pairs, for sizes that fit in memory."""
    from sklearn.metrics import roc_curve

    rows, labels = np.load(folder / "rows.npy"), np.load(folder / "labels.npy")
    start = clocks()
    upper = np.triu_indices(len(rows), 1)
    scores = (rows @ rows.T)[upper]
    same = labels[upper[0]] == labels[upper[1]]
    fpr, tpr, _ = roc_curve(same, scores)
    tar = {f"{far:g}": float(tpr[fpr <= far].max()) for far in FAR}
    return {**since(start), "tar": tar}


def child(what, folder):
    """One of the above in its own process, with its peak memory."""
    words = [sys.executable, __file__, "--child", what, "--folder", str(folder)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def measure(size, args):
    """All results of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(size, args.width, args.per_identity, folder)
        before = child("bare", folder)
        row = {what: child(what, folder) for what in args.precision}
        after = child("bare", folder)
        if size <= args.sklearn_up_to:
            row["sklearn"] = child("sklearn", folder)
    line = {"size": size, "bare": [before, after], **row}
    for what in row:
        for clock in ("seconds", "cpu"):
            line[what][f"{clock}_over_bare"] = 2 * row[what][clock] / (before[clock] + after[clock])
    return line


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 20000, 57715])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--per-identity", type=int, default=23)
    parser.add_argument("--precision", nargs="+", default=["float64", "float32"])
    parser.add_argument("--sklearn-up-to", type=int, default=5000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        todo = {"bare": bare, "sklearn": scikit}
        found = todo[args.child](args.folder) if args.child in todo else ours(args.folder, args.child)
        found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    lines = []
    for size in args.sizes:
        line = measure(size, args)
        lines.append(line)
        product = ", ".join(f"{once['seconds']:.1f} s ({once['cpu']:.1f} s cpu)" for once in line["bare"])
        print(f"{size:>7} rows: product {product}", flush=True)
        for what in [*args.precision, "sklearn"]:
            if what in line:
                found = line[what]
                wall = f"{found['seconds']:7.1f} s, {found['seconds_over_bare']:5.2f} x product"
                processor = f"{found['cpu']:7.1f} s cpu, {found['cpu_over_bare']:5.2f} x"
                print(f"        {what:<8} {wall}; {processor}; peak {found['mib']:6.0f} MiB", flush=True)
    if args.out:
        args.out.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
