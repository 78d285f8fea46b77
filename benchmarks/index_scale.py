"""Time and memory of opening large data sets: a folder of empty image files, and a RecordIO of small records.

    python benchmarks/index_scale.py --images 1000000 --records 10000000 --work FOLDER

Opens each twice in a process of its own, first without and then with the index in the cache. Prints seconds, CPU
seconds, and the peak of memory above what the imports take. The folder of ``--work`` is filled with the files, which
stay there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MAGIC = 0xCED7230A
RECORD = np.dtype([("magic", "<u4"), ("length", "<u4"), ("flag", "<u4"), ("label", "<f4"), ("id", "<u8"),
                   ("id2", "<u8"), ("data", "<u4")])  # fmt: skip
BLOCK = 500_000
LONG_AGO = (1e9, 1e9)


def make_folder(root: Path, images: int) -> None:
    """100 empty files in each identity's folder."""
    for identity in range(images // 100):
        folder = root / f"{identity:06d}"
        folder.mkdir(parents=True)
        for number in range(100):
            os.close(os.open(folder / f"{number:03d}.jpg", os.O_CREAT))
        os.utime(folder, LONG_AGO)
    os.utime(root, LONG_AGO)


def make_records(path: Path, records: int) -> None:
    """50 records of 4 bytes for each identity, and their index."""
    with path.open("wb") as file, path.with_suffix(".idx").open("w", encoding="ascii") as index:
        for start in range(0, records, BLOCK):
            numbers = np.arange(start, min(records, start + BLOCK))
            rows = np.zeros(len(numbers), RECORD)
            rows["magic"], rows["length"], rows["label"], rows["id"] = MAGIC, 28, numbers // 50, numbers
            rows.tofile(file)
            index.write("".join(f"{number}\t{number * RECORD.itemsize}\n" for number in numbers.tolist()))
    for name in (path, path.with_suffix(".idx")):
        os.utime(name, LONG_AGO)


def peak() -> int:
    """Bytes of memory at most, so far; Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def measure(path: str) -> None:
    """Open a data set in this process."""
    from facezoo.data.sources.folder import ImageFolder
    from facezoo.data.sources.recordio import RecordIO

    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    source = RecordIO(path) if path.endswith(".rec") else ImageFolder(path)
    print(
        f"{len(source):>10,} images of {source.num_classes:,} identities: {time.perf_counter() - wall:5.1f} s, "
        f"{time.process_time() - cpu:5.1f} s of CPU, {(peak() - before) / 2**20:5.0f} MiB"
    )


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure)
        return
    if given.work is None:
        parser.error("--work FOLDER is missing")
    given.work.mkdir(parents=True, exist_ok=True)
    folder, records = given.work / f"folder-{given.images}", given.work / f"records-{given.records}.rec"
    if not folder.exists():
        make_folder(folder, given.images)
    if not records.exists():
        make_records(records, given.records)
    environment = {**os.environ, "FACEZOO_CACHE": str(given.work / "cache")}
    for path in (folder, records):
        for file in (given.work / "cache" / "indexes").glob("*"):
            file.unlink()
        for state in ("read    ", "from the cache"):
            print(f"{'folder' if path == folder else 'RecordIO':<9} {state:<15}", end=" ", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", str(path)], check=True, env=environment)


if __name__ == "__main__":
    main()
