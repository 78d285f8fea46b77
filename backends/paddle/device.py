"""Device names."""

from __future__ import annotations

import paddle

from facezoo.errors import ConfigError


def pick_device(name: str) -> str:
    """Paddle's name of the device for "auto", "cpu", "gpu" or "gpu:N".

    Raises:
        ConfigError: the name is not one of these, or there is no such GPU.
    """
    kind, _, index = name.partition(":")
    count = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    if kind == "auto":
        return "gpu:0" if count else "cpu"
    if kind == "cpu":
        return "cpu"
    if kind not in ("gpu", "cuda") or (index and not index.isdigit()):
        raise ConfigError(f"device is {name!r}; expected auto, cpu, gpu or gpu:N")
    if int(index or 0) >= count:
        raise ConfigError(f"device is {name!r}; paddle sees {count} GPUs here")
    return f"gpu:{int(index or 0)}"
