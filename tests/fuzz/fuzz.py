"""Damages good files and reads them: only errors of facezoo may be raised.

    python tests/fuzz/fuzz.py --seconds 600 --out findings            # each reader for ten minutes
    python tests/fuzz/fuzz.py --seconds 60 --reader recordio png

An input with a new error message is kept and damaged further, so that the search gets deeper. The memory of the process
is limited, and a read that takes too long is a finding as well. Once fixed, a finding goes to ``corpus/``.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mutate import mutate
from readers import READERS, Reader

from facezoo.errors import FacezooError

LONGEST = 20  # seconds of one read
MEMORY = 3 << 30  # bytes that a process may take beyond what the frameworks map


@dataclass
class Findings:
    """The results of one reader on damaged files.

    Attributes:
        tried: files read.
        refused: of these, files that gave an error of facezoo.
        kinds: distinct messages.
        bad: other errors: the last line of a traceback -> (the whole, the file's name, its bytes).
    """

    tried: int = 0
    refused: int = 0
    kinds: set[str] = field(default_factory=set)
    bad: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)


def _late(*_: object) -> None:
    raise TimeoutError(f"reading took more than {LONGEST} s")


def attempt(reader: Reader, folder: Path) -> str | None:
    """Read a folder: None, or the message of the error without its numbers.

    Raises:
        BaseException: any other error.
    """
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(LONGEST)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(folder)
    except FacezooError as error:
        return type(error).__name__ + re.sub(r"'[^']*'|\"[^\"]*\"|/\S+|\d+", "", str(error))[:60]
    finally:
        signal.alarm(0)
    return None


def fuzz(name: str, *, seed: int, tries: int | None = None, seconds: float | None = None) -> Findings:
    """Damage and read until the tries or the seconds are over."""
    reader, rng, found = READERS[name], np.random.default_rng(seed), Findings()
    with tempfile.TemporaryDirectory() as place:
        good, folder = Path(place) / "good", Path(place) / "damaged"
        good.mkdir()
        reader.make(good)
        attempt(reader, good)
        shutil.rmtree(good / "unpacked", ignore_errors=True)
        targets = sorted(path.relative_to(good) for pattern in reader.files for path in good.glob(pattern))
        assert targets, f"{name}: {reader.files} were not made"
        corpus = {target: [(good / target).read_bytes()] for target in targets}
        shutil.copytree(good, folder)
        until = time.monotonic() + seconds if seconds is not None else None
        while (tries is None or found.tried < tries) and (until is None or time.monotonic() < until):
            target = targets[int(rng.integers(len(targets)))]
            kept = corpus[target]
            data = mutate(kept[int(rng.integers(len(kept)))], rng, kept)
            (folder / target).write_bytes(data)
            try:
                said = attempt(reader, folder)
            except (Exception, SystemExit) as error:  # any error that is not of facezoo is a finding
                text = traceback.format_exc()
                found.bad.setdefault(f"{type(error).__name__} {_where(text)}", (text, target.name, data))
                said = None
            found.tried += 1
            found.refused += said is not None
            if said is not None and said not in found.kinds and len(data) < 100_000:
                found.kinds.add(said)
                kept.append(data)
            shutil.rmtree(folder / "unpacked", ignore_errors=True)
            (folder / target).write_bytes((good / target).read_bytes())
    return found


def _where(text: str) -> str:
    """The last line of facezoo in a traceback."""
    ours = re.findall(r'File "[^"]*/(facezoo/[^"]*)", line (\d+)', text)
    return ":".join(ours[-1]) if ours else "outside"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, default=600)
    words.add_argument("--reader", nargs="+", choices=sorted(READERS), default=list(READERS))
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--out", type=Path, default=Path("fuzz_findings"))
    options = words.parse_args()
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    bad = 0
    for name in options.reader:
        found = fuzz(name, seed=options.seed, seconds=options.seconds)
        print(f"{name:<20}{found.tried:>9} files, {found.refused} refused, {len(found.kinds)} messages", flush=True)
        for number, (what, (text, file, data)) in enumerate(found.bad.items()):
            bad += 1
            options.out.mkdir(parents=True, exist_ok=True)
            kept = options.out / f"{name.replace(' ', '-')}-{number}-{file}"
            kept.write_bytes(data)
            kept.with_suffix(kept.suffix + ".txt").write_text(text)
            print(f"  {what}: {kept}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
