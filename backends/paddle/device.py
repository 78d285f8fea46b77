"""The device of a run, by the name that the user gives."""

from __future__ import annotations

import os

import paddle

from facezoo.errors import ConfigError


def pick_device(name: str) -> str:
    """Paddle's name of the device for "auto", "cpu", "gpu" or "gpu:N".

    Without N it is the GPU that the launcher gave this process.

    Raises:
        ConfigError: the name is not one of these, or there is no such GPU.
    """
    kind, _, index = name.partition(":")
    count = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if kind == "cpu" or (kind == "auto" and not count):
        return "cpu"
    if kind not in ("auto", "gpu", "cuda") or (index and not index.isdigit()):
        raise ConfigError(f"device is {name!r}; expected auto, cpu, gpu or gpu:N")
    number = int(index or os.environ.get("FLAGS_selected_gpus", "0").partition(",")[0] or 0)  # noqa: SIM112  paddle's spelling
    if number >= count:
        raise ConfigError(f"device is {name!r}, GPU {number} for this process; paddle sees {count}")
    return f"gpu:{number}"


def list_gpus() -> list[str]:
    """The names of the GPUs that the framework sees, in its order."""
    count = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    return [paddle.device.cuda.get_device_name(number) for number in range(count)]
