"""The device of a run, by the name that the user gives."""

from __future__ import annotations

import os

import torch

from facezoo.errors import ConfigError


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "gpu" or "gpu:N"; without N, the GPU that the launcher gave this process.

    Raises:
        ConfigError: the name is not one of these, or there is no such GPU.
    """
    kind, _, index = name.partition(":")
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if kind not in ("auto", "gpu", "cuda") or (index and not index.isdigit()):
        raise ConfigError(f"device is {name!r}; expected auto, cpu, gpu or gpu:N")
    number = int(index or os.environ.get("LOCAL_RANK", "0"))
    if number >= torch.cuda.device_count():
        raise ConfigError(f"device is {name!r}, GPU {number} for this process; torch sees {torch.cuda.device_count()}")
    return torch.device("cuda", number)


def list_gpus() -> list[str]:
    """The names of the GPUs that the framework sees, in its order."""
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
