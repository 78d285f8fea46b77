"""The numeric type and memory format of training, by the names that the user gives."""

from __future__ import annotations

import torch

from facezoo.backends.torch.device import pick_device
from facezoo.io.processor import has_bfloat16, has_float16

NARROW = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(device: str, precision: str) -> torch.autocast:
    """A context that computes in ``precision`` where it is "bfloat16" or "float16", and as without elsewhere."""
    return torch.autocast(device, NARROW.get(precision, torch.bfloat16), enabled=precision in NARROW)


def pick_precision(name: str, device: str) -> tuple[str, str]:
    """The precision for "auto", "float32", "bfloat16", "float16" or "float64", and a remark, which may be empty.

    "auto" is bfloat16 where the device has units for it, and float32 elsewhere.

    Args:
        name: what the user asks for.
        device: as for :func:`pick_device`.

    Raises:
        ConfigError: there is no such device.
    """
    if name not in ("auto", *NARROW):
        return name, ""
    place = pick_device(device)
    if place.type == "cpu":
        fast = has_float16() if name == "float16" else has_bfloat16()
    else:
        with torch.cuda.device(place):
            fast = name == "float16" or torch.cuda.is_bf16_supported(including_emulation=False)
    if name == "auto":
        return ("bfloat16" if fast else "float32"), ""
    slow = f"precision is {name}, for which this {place.type} has no units: training is several times slower"
    return name, "" if fast else f"{slow} than with float32 or auto"


def memory_format(channels_last: bool | None, precision: str, device: torch.device) -> torch.memory_format:
    """How images lie in memory; None takes channels-last where it is faster and as exact.

    torch's batch norm sums naively over channels-last maps in float32: variances are off by 1e-5, and gradients of a
    deep network by 1e-3. bfloat16 is coarser than that, and there channels-last is twice as fast; float16 on a CPU is
    slower with it.
    """
    if channels_last is None:
        channels_last = precision == "bfloat16" or (precision == "float16" and device.type != "cpu")
    return torch.channels_last if channels_last else torch.contiguous_format
