"""What the processor of this machine can do."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
UNITS = {  # numeric type -> flags of processors that multiply it themselves, of x86 and of ARM
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16", "svebf16"},
    "float16": {"avx512_fp16", "amx_fp16", "asimdhp"},
    "int8": {"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"},
}


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; False where the system does not say (not Linux)."""
    return "bfloat16" in units()


def has_float16() -> bool:
    """Like :func:`has_bfloat16`, for float16."""
    return "float16" in units()


def units() -> list[str]:
    """The numeric types below float32 that the processor multiplies itself; none where the system does not say."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    found = set(flags.partition(":")[2].split())
    return [name for name, wanted in UNITS.items() if not wanted.isdisjoint(found)]
