"""The processes of a run, as the launcher describes them in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from facezoo import backends
from facezoo.errors import ConfigError, LostProcessError

# backend -> (number of processes, this process) of its launcher, and the launcher
VARIABLES = {
    "torch": ("WORLD_SIZE", "RANK", "torchrun --nproc-per-node N -m facezoo train"),
    "paddle": (
        "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID",
        'python -m paddle.distributed.launch --nproc_per_node N "$(command -v facezoo)" train',
    ),
}  # fmt: skip


class Processes(NamedTuple):
    """How many processes train together, and which of them this is, from 0."""

    world_size: int
    rank: int


def launched_processes(backend: str, environment: Mapping[str, str] = os.environ) -> Processes:
    """Read and check what the launcher says.

    Raises:
        ConfigError: a variable is missing or not a number, or the launcher belongs to the other backend: each process
            would then train alone.
    """
    size_name, rank_name, command = VARIABLES[backend]
    for other, (name, _, _) in VARIABLES.items():
        if other != backend and size_name not in environment and _number(environment, name, 1) > 1:
            found = environment[name]
            raise ConfigError(f"{name} is {found}, set by a launcher of {other}; start {backend} with: {command}")
    size = _number(environment, size_name, 1)
    if size > 1 and rank_name not in environment:
        raise ConfigError(f"{size_name} is {size}, but {rank_name} is not set; start with: {command}")
    rank = _number(environment, rank_name, 0)
    if rank >= max(size, 1):
        raise ConfigError(f"{rank_name} is {rank}; expected 0 to {size - 1}, since {size_name} is {size}")
    return Processes(max(size, 1), rank)


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdigit():
        raise ConfigError(f"the environment variable {name} is {text!r}; expected a number")
    return int(text)


@contextmanager
def report_lost_process(backend: str, timeout: float) -> Iterator[None]:
    """Turn errors of the communication in the block into one that says what to do.

    Args:
        backend: "torch" or "paddle".
        timeout: seconds that a process waits for the others.

    Raises:
        LostProcessError: of several processes one ended, or did not answer in time.
    """
    try:
        yield
    except Exception as error:
        processes = launched_processes(backend)
        if processes.world_size == 1 or not backends.module(backend, "distributed").is_failure(error):
            raise
        said = " ".join(str(error).split())[:200]
        raise LostProcessError(
            f"process {processes.rank} of {processes.world_size}: another one ended or did not answer in time "
            f"(parallel.timeout is {timeout:g} s): {said}; start all again with --auto-resume"
        ) from error
