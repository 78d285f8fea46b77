"""The numeric type of training, by the name that the user gives."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.device import pick_device


def pick_precision(name: str, device: str) -> tuple[str, str]:
    """The precision for "auto", "float32", "bfloat16" or "float64", and a remark for the user, which may be empty.

    "auto" is bfloat16 where the device has units for it, and float32 elsewhere. Paddle's autocast has no effect on a
    CPU, so bfloat16 is float32 there.

    Args:
        name: what the user asks for.
        device: as for :func:`pick_device`.

    Raises:
        ConfigError: there is no such device.
    """
    if name not in ("auto", "bfloat16"):
        return name, ""
    place = pick_device(device)
    if place == "cpu":
        remark = "precision is bfloat16, which paddle does not compute on a CPU: it is float32 in this run"
        return "float32", remark if name == "bfloat16" else ""
    fast = paddle.device.cuda.get_device_capability(place)[0] >= 8  # Ampere and later
    if name == "auto":
        return ("bfloat16" if fast else "float32"), ""
    slow = "precision is bfloat16, for which this gpu has no units: training is several times slower"
    return name, "" if fast else f"{slow} than with float32 or auto"
