"""Data-parallel training: gradients are averaged over processes."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
import torch.distributed as dist


def join(device: torch.device) -> tuple[int, int]:
    """Join the processes that the launcher started (``torchrun``); (rank, world size)."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size()


def average(tensors: Sequence[torch.Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in one all-reduce."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    votes = torch.tensor([float(flag)], device=device)
    dist.all_reduce(votes)
    return votes.item() > 0


def wait() -> None:
    """Wait for all processes (a barrier)."""
    dist.barrier()
