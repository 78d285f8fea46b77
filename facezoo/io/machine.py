"""What this machine is, and which versions of packages it has."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from facezoo.io.processor import CPUINFO

MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed, read without importing them.

    >>> list(versions(["numpy", "no-such-package"]))
    ['numpy']
    """
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """System, processor, cores that this process may use, and memory, as text for people."""
    found = {"system": platform.platform(terse=True), "processor": processor(), "cores": str(cores())}
    size = memory()
    return {**found, "memory": f"{size / 2**30:.1f} GiB"} if size else found


def processor() -> str:
    """The name of the processor."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = next((line for line in lines if line.startswith("model name")), "")
    return named.partition(":")[2].strip() or platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int | None:
    """Bytes of memory, or of the container's limit where that is lower; None where the system does not say."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        return min(size, int(MEMORY_LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return size
