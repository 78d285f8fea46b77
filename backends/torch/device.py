"""Device names."""

from __future__ import annotations

import torch

from facezoo.errors import ConfigError


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "gpu" or "gpu:N".

    Raises:
        ConfigError: the name is not one of these, or there is no such GPU.
    """
    kind, _, index = name.partition(":")
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cpu":
        return torch.device("cpu")
    if kind not in ("gpu", "cuda") or (index and not index.isdigit()):
        raise ConfigError(f"device is {name!r}; expected auto, cpu, gpu or gpu:N")
    if int(index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device is {name!r}; torch sees {torch.cuda.device_count()} GPUs here")
    return torch.device("cuda", int(index or 0))
