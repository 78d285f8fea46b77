"""What the processor of this machine can do."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}  # of x86, and of ARM
FLOAT16 = {"avx512_fp16", "amx_fp16", "asimdhp"}


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; False where the system does not say (not Linux)."""
    return _has(BFLOAT16)


def has_float16() -> bool:
    """Like :func:`has_bfloat16`, for float16."""
    return _has(FLOAT16)


def _has(features: set[str]) -> bool:
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return not features.isdisjoint(flags.partition(":")[2].split())
