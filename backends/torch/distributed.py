"""Communication between the processes of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

# torch 2.13 renames these two
all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


def join(device: torch.device, timeout: float = 1800.0) -> tuple[int, int]:
    """Join the processes that the launcher started (``torchrun``); (rank, world size).

    Args:
        device: of this process.
        timeout: seconds that a process waits for the others.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        return 0, 1
    if not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timedelta(seconds=timeout))
    return dist.get_rank(), dist.get_world_size()


def average(tensors: Sequence[torch.Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in one all-reduce."""
    total(tensors)
    torch._foreach_div_(list(tensors), dist.get_world_size())


def total(tensors: Sequence[torch.Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in one all-reduce for each dtype."""
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        some = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = torch.cat([tensor.flatten() for tensor in some])
        dist.all_reduce(flat)
        for tensor, part in zip(some, flat.split([tensor.numel() for tensor in some]), strict=True):
            tensor.copy_(part.view_as(tensor))


def gather(rows: torch.Tensor) -> torch.Tensor:
    """(N, ...) of this process to (N world_size, ...) in the order of the ranks; without gradient, N equal."""
    if not dist.is_initialized():
        return rows
    every = rows.new_empty(dist.get_world_size() * rows.shape[0], *rows.shape[1:])
    all_gather(every, rows.contiguous())
    return every


def gather_arrays(values: torch.Tensor) -> torch.Tensor:
    """Like :func:`gather`, where N may differ between the processes."""
    counts = gather(torch.tensor([len(values)], device=values.device)).tolist()
    padded = values.new_zeros(max(counts), *values.shape[1:])
    padded[: len(values)] = values
    blocks = gather(padded).split(max(counts))
    return torch.cat([block[:count] for block, count in zip(blocks, counts, strict=True)])


class _GatherEmbeddings(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, embeddings: torch.Tensor) -> torch.Tensor:
        return gather(embeddings)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        own = gradient.new_empty(gradient.shape[0] // dist.get_world_size(), gradient.shape[1])
        if dist.get_backend() == "nccl":
            reduce_scatter(own, gradient.contiguous())
        else:  # gloo cannot scatter
            own.copy_(_summed(gradient)[dist.get_rank() * len(own) :][: len(own)])
        return own * dist.get_world_size()


def gather_embeddings(embeddings: torch.Tensor) -> torch.Tensor:
    """(N, E) of this process to (N world_size, E).

    The backward pass sums the parts' gradients, times the number of processes: gradients of the backbone are averaged
    over the processes afterwards, and the loss is already one of all images.
    """
    return _GatherEmbeddings.apply(embeddings)


def _summed(values: torch.Tensor) -> torch.Tensor:
    result = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(result)
    return result


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class _SumOfAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _summed(gradient)


def sum_of_all(values: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, each of which goes on with it: its gradient is the sum of theirs."""
    return _SumOfAll.apply(values)


def reduce(values: torch.Tensor, how: str) -> torch.Tensor:
    """Combine values of all parts of a head: "sum", whose backward pass returns the gradient unchanged, or "max"."""
    if how == "sum":
        return _Sum.apply(values)
    result = values.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(result, dist.ReduceOp.MAX)
    return result


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    votes = torch.tensor([float(flag)], device=device)
    dist.all_reduce(votes)
    return votes.item() > 0


def wait() -> None:
    """Wait for all processes (a barrier)."""
    dist.barrier()


def is_failure(error: BaseException) -> bool:
    """Whether an error comes from the communication: a process that ended or does not answer in time."""
    known = isinstance(error, dist.DistError) or "gloo" in str(error) or "NCCL" in str(error)
    return isinstance(error, RuntimeError) and known
