"""Photos per second from files to faces: facezoo, the ``mtcnn`` package and ``facenet-pytorch``.

The methods run one after the other, each in its own process, in several rounds, so that other load becomes visible.
The fastest round is printed with its processor time. The other packages read photos and detect with their defaults,
one photo per call and in batches. facezoo runs all of ``facezoo align``: it also crops, writes the crops and the table,
and its time includes the start of its processes. A package that is installed for another interpreter is run with that
interpreter (``mtcnn`` needs TensorFlow, ``facenet-pytorch`` an older torch).

    python benchmarks/align.py lfw-deepfunneled --photos 2000 --peer-photos 200 --facenet-python PYTHON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 16


def mtcnn_single(read, paths):
    """The mtcnn package, one photo per call."""
    from mtcnn import MTCNN

    detector = MTCNN()
    return timed(
        lambda: sum(bool(detector.detect_faces(read(path))) for path in paths), detector.detect_faces, read(paths[0])
    )


def mtcnn_batch(read, paths):
    """The mtcnn package, photos in batches."""
    from mtcnn import MTCNN

    detector = MTCNN()

    def run():
        found = (detector.detect_faces([read(path) for path in part]) for part in parts(paths))
        return sum(bool(faces) for batch in found for faces in batch)

    return timed(run, detector.detect_faces, [read(path) for path in paths[:BATCH]])


def facenet_single(read, paths):
    """facenet-pytorch, one photo per call."""
    from facenet_pytorch import MTCNN

    detector = MTCNN()

    def detect(image):
        return detector.detect(image, landmarks=True)[0] is not None

    return timed(lambda: sum(detect(read(path)) for path in paths), detect, read(paths[0]))


def facenet_batch(read, paths):
    """facenet-pytorch, photos in batches."""
    import numpy as np
    from facenet_pytorch import MTCNN

    detector = MTCNN()

    def detect(images):
        return [boxes is not None for boxes in detector.detect(np.stack(images), landmarks=True)[0]]

    def run():
        return sum(sum(detect([read(path) for path in part])) for part in parts(paths))

    return timed(run, detect, [read(path) for path in paths[:BATCH]])


def ours_detecting(backend):
    """Only the detector of facezoo, photos in batches in one process, like the other packages."""

    def method(read, paths):
        import facezoo

        detector = facezoo.create_detector("mtcnn", backend=backend)

        def run():
            found = (detector.detect_batch([read(path) for path in part]) for part in parts(paths))
            return sum(bool(faces) for batch in found for faces in batch)

        return timed(run, detector.detect_batch, [read(path) for path in paths[:BATCH]])

    return method


PEERS = {
    "mtcnn": mtcnn_single,
    "mtcnn, batches": mtcnn_batch,
    "facenet-pytorch": facenet_single,
    "facenet-pytorch, batches": facenet_batch,
    "facezoo detector, torch": ours_detecting("torch"),
    "facezoo detector, paddle": ours_detecting("paddle"),
}


def parts(paths):
    """Batches of photos."""
    return (paths[low : low + BATCH] for low in range(0, len(paths), BATCH))


def timed(run, warm, *arguments):
    """Seconds of a run after a warm-up, and the number of photos with a face."""
    warm(*arguments)
    start, used = time.perf_counter(), time.process_time()
    found = run()
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used, "found": found}


def ours(photos, backend, workers):
    """``facezoo align`` on a folder of links to the photos."""
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(photos):
            link = Path(folder, "photos", f"{number:06d}{path.suffix}")
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path.resolve())
        command = [sys.executable, "-m", "facezoo", "align", str(Path(folder, "photos")), str(Path(folder, "out"))]
        command += ["--backend", backend, "--workers", str(workers), "--json"]
        start, used = time.perf_counter(), os.times()
        summary = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        cpu = sum(os.times()[2:4]) - sum(used[2:4])  # of the finished children
        return {"seconds": time.perf_counter() - start, "cpu": cpu, "found": summary["crops"]}


def peer(python, name, photos):
    """The result of another package in its own process, or None if it does not run there."""
    command = [python, __file__, "--child", name]
    done = subprocess.run(command, input="\n".join(map(str, photos)), capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def child(name):
    """Run one package on the photos named on standard input."""
    import numpy as np
    from PIL import Image

    def read(path):
        return np.asarray(Image.open(path).convert("RGB"))

    print(json.dumps(PEERS[name](read, sys.stdin.read().splitlines())))


def main():
    """Run all methods and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of photos")
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--peer-photos", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--backends", nargs="+", default=["torch", "paddle"])
    parser.add_argument("--mtcnn-python", default=sys.executable)
    parser.add_argument("--facenet-python", default=sys.executable)
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    every = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    photos = every[:: max(1, len(every) // options.photos)][: options.photos]
    few = photos[:: max(1, len(photos) // options.peer_photos)][: options.peer_photos]
    best = {}
    for _ in range(options.rounds):
        for name in PEERS:
            pythons = {"mtcnn": options.mtcnn_python, "facenet": options.facenet_python}
            python = next((at for start, at in pythons.items() if name.startswith(start)), sys.executable)
            note(best, name, peer(python, name, few), len(few))
        for backend in options.backends:
            note(best, f"facezoo, {backend}", ours(photos, backend, options.workers), len(photos))
    for name, result in best.items():
        by_cpu = result["photos"] / result["cpu"]
        found = f"{result['found']} of {result['photos']} with a face"
        print(f"{name:26} {result['rate']:7.1f} photos/s {by_cpu:7.1f} photos/CPU-s   {found}")
    if options.out:
        options.out.write_text(json.dumps(best, indent=1))


def note(best, name, result, count):
    """Keep the fastest round of a method."""
    if result is None:
        print(f"{name}: not installed, or it fails", file=sys.stderr)
        return
    rate = count / result["seconds"]
    print(f"  {name}: {rate:.1f} photos/s", file=sys.stderr, flush=True)
    if rate > best.get(name, {"rate": 0})["rate"]:
        best[name] = {"rate": round(rate, 1), "photos": count, **result}


if __name__ == "__main__":
    main()
