"""The numeric type of training, by the name that the user gives."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import paddle

from facezoo.backends.paddle.device import pick_device

NARROW = ("bfloat16", "float16")


def autocast(precision: str) -> AbstractContextManager[Any]:
    """A context that computes in ``precision`` where it is "bfloat16" or "float16", and as without elsewhere."""
    return paddle.amp.auto_cast(
        enable=precision in NARROW, dtype="float16" if precision == "float16" else "bfloat16"
    )  # fmt: skip


def pick_precision(name: str, device: str) -> tuple[str, str]:
    """The precision for "auto", "float32", "bfloat16", "float16" or "float64", and a remark, which may be empty.

    "auto" is bfloat16 where the device has units for it, and float32 elsewhere. Paddle's autocast has no effect on a
    CPU, so bfloat16 and float16 are float32 there.

    Args:
        name: what the user asks for.
        device: as for :func:`pick_device`.

    Raises:
        ConfigError: there is no such device.
    """
    if name not in ("auto", *NARROW):
        return name, ""
    place = pick_device(device)
    if place == "cpu":
        remark = f"precision is {name}, which paddle does not compute on a CPU: it is float32 in this run"
        return "float32", "" if name == "auto" else remark
    fast = name == "float16" or paddle.device.cuda.get_device_capability(place)[0] >= 8  # Ampere and later
    if name == "auto":
        return ("bfloat16" if fast else "float32"), ""
    slow = f"precision is {name}, for which this gpu has no units: training is several times slower"
    return name, "" if fast else f"{slow} than with float32 or auto"
