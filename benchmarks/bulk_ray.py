"""Wall time of alignment and embedding on Ray against the local engine, and with a worker killed half way.

    python benchmarks/bulk_ray.py --photos LFW --weights W.safetensors --work FOLDER

Both engines have 2 workers and take turns. The hash is that of all output files; it must be the same for every call of
one job. The killed worker is a process of Ray that computes a part when half of the photos are done.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

WORKERS = "2"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="new folder for the outputs")
    parser.add_argument("--backend", action="append", choices=("torch", "paddle"), help="default: both")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    count = sum(path.is_file() for path in options.photos.rglob("*"))
    for backend in options.backend or ("torch", "paddle"):
        for job in (align, embed):
            times: dict[str, list[float]] = {"local": [], "ray": []}
            hashes = set()
            for _ in range(options.rounds):
                for engine, found in times.items():
                    seconds, digest, _ = job(options, backend, engine, count, kill=False)
                    found.append(seconds)
                    hashes.add(digest)
            killed, digest, process = job(options, backend, "ray", count, kill=True)
            hashes.add(digest)
            medians = ", ".join(f"{engine} {statistics.median(found):.1f} s" for engine, found in times.items())
            print(
                f"{job.__name__} {backend}, {count} photos: {medians}, ray with a killed worker {killed:.1f} s"
                f"{'' if process else ' (none was killed)'}; {len(hashes)} output: {' '.join(sorted(hashes))}; {times}",
                flush=True,
            )


def align(options: argparse.Namespace, backend: str, engine: str, count: int, *, kill: bool) -> tuple[float, str, int]:
    """Seconds, hash of the crops and the table, and the killed process."""
    out = options.work / "crops"
    shutil.rmtree(out, ignore_errors=True)
    words = ["align", options.photos, out, "--backend", backend]
    seconds, killed = run(words, engine, lambda: kill and len(list(out.rglob("*.png"))) > count // 2)
    return seconds, digest_of(out), killed


def embed(options: argparse.Namespace, backend: str, engine: str, count: int, *, kill: bool) -> tuple[float, str, int]:
    """Seconds, hash of the file, and the killed process."""
    out, parts = options.work / "e.npz", options.work / "e.npz.parts"
    out.unlink(missing_ok=True)
    words = ["embed", options.photos, "--weights", options.weights, "--out", out, "--backend", backend]
    seconds, killed = run(words, engine, lambda: kill and len(list(parts.glob("*.npz"))) > count // 64)
    return seconds, digest_of(options.work / "e.npz"), killed


def run(words: list, engine: str, now) -> tuple[float, int]:
    """Seconds of a command, and the worker that was killed when ``now()`` was first true, or 0."""
    command = [sys.executable, "-m", "facezoo", *map(str, words), "--engine", engine, "--workers", WORKERS]
    start, killed = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if not killed and now():
            for worker in at_work(process.pid)[:1]:
                os.kill(worker, signal.SIGKILL)
                killed = worker
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return time.perf_counter() - start, killed


def at_work(root: int) -> list[int]:
    """Worker processes of Ray below a process that compute a part; Ray gives them the task's name as title."""
    parents, named = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if (folder / "cmdline").read_bytes().startswith(b"ray::facezoo part"):
                named.append(int(folder.name))
        except (OSError, IndexError, ValueError):
            continue

    def below(process: int) -> bool:
        while process in parents and process != root:
            process = parents[process]
        return process == root

    return [process for process in named if below(process)]


def digest_of(path: Path) -> str:
    """The first digits of a hash of a file, or of all files of a folder and their names."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(path.parent)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    main()
