"""Data-parallel training: gradients are averaged over processes."""

from __future__ import annotations

import os
from collections.abc import Sequence

import paddle
import paddle.distributed as dist


def join(device: str) -> tuple[int, int]:
    """Join the processes that the launcher started (``paddle.distributed.launch``); (rank, world size)."""
    world_size = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
    if world_size == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_parallel_env()
    return dist.get_rank(), dist.get_world_size()


def average(tensors: Sequence[paddle.Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in one all-reduce."""
    flat = paddle.concat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat = flat / dist.get_world_size()
    for tensor, part in zip(tensors, flat.split([tensor.size for tensor in tensors]), strict=True):
        tensor.set_value(part.reshape(tensor.shape))


def any_of(flag: bool, device: str) -> bool:
    """Whether the flag is set in any process."""
    votes = paddle.to_tensor([float(flag)], dtype="float32")
    dist.all_reduce(votes)
    return bool((votes > 0).any())


def wait() -> None:
    """Wait for all processes (a barrier)."""
    dist.barrier()
