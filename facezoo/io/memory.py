"""Memory of this process."""

from __future__ import annotations

import ctypes
import functools
import sys

NO_MAPPING, NO_TRIMMING = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of mallopt


@functools.cache
def keep_freed_memory() -> None:
    """Keep freed memory in the process, for a training loop on a CPU.

    glibc returns large blocks to the system, and each new tensor then costs a page fault per 4 KiB, which takes longer
    than the operation that fills it. Other systems and C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(NO_MAPPING, 0)
        mallopt(NO_TRIMMING, -1)
