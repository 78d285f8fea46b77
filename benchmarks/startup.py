"""Duration of ``facezoo --help``, ``facezoo --version`` and ``facezoo config --help``, each in a new process.

Run: ``python benchmarks/startup.py``. The shortest of several calls is printed; longer ones measure other load.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time


def seconds(words: list[str], times: int) -> float:
    """The shortest of several calls."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "facezoo", *words], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - began)
    return best


def main() -> int:
    """Print one line per command."""
    parser = argparse.ArgumentParser(description="Measure how fast the command line starts.")
    parser.add_argument("--times", type=int, default=10, help="number of calls of each command")
    times = parser.parse_args().times
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    print(f"interpreter only   {time.perf_counter() - began:.2f} s")
    for words in (["--help"], ["--version"], ["config", "--help"]):
        print(f"facezoo {' '.join(words):<14} {seconds(words, times):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
