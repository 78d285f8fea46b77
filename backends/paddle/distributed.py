"""Communication between the processes of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import paddle
import paddle.distributed as dist


def join(device: str, timeout: float = 1800.0) -> tuple[int, int]:
    """Join the processes that the launcher started (``paddle.distributed.launch``); (rank, world size).

    Args:
        device: of this process.
        timeout: seconds that a process waits for the others; gloo, on CPUs, always waits 30.
    """
    world_size = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
    if world_size == 1:
        return 0, 1
    if not dist.is_initialized():
        os.environ.setdefault("PADDLE_PG_TIMEOUT", str(round(1000 * timeout)))  # milliseconds, of NCCL
        dist.init_parallel_env()
    return dist.get_rank(), dist.get_world_size()


def average(tensors: Sequence[paddle.Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in one all-reduce for each dtype."""
    _combine(tensors, 1 / dist.get_world_size())


def total(tensors: Sequence[paddle.Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in one all-reduce for each dtype."""
    _combine(tensors, None)


@paddle.no_grad()
def _combine(tensors: Sequence[paddle.Tensor], factor: float | None) -> None:
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        some = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = paddle.concat([tensor.flatten() for tensor in some])
        dist.all_reduce(flat)
        flat = flat if factor is None else flat * factor
        for tensor, part in zip(some, flat.split([tensor.size for tensor in some]), strict=True):
            tensor.set_value(part.reshape(tensor.shape))


def gather(rows: paddle.Tensor) -> paddle.Tensor:
    """(N, ...) of this process to (N world_size, ...) in the order of the ranks; without gradient, N equal."""
    if not dist.is_initialized():
        return rows
    every: list[paddle.Tensor] = []
    dist.all_gather(every, rows.detach().contiguous())
    return paddle.concat(every)


def gather_arrays(values: paddle.Tensor) -> paddle.Tensor:
    """Like :func:`gather`, where N may differ between the processes."""
    counts = [int(count) for count in gather(paddle.to_tensor([len(values)], dtype="int64")).numpy()]
    padded = paddle.zeros([max(counts), *values.shape[1:]], dtype=values.dtype)
    padded[: len(values)] = values
    blocks = gather(padded).split(len(counts))
    return paddle.concat([block[:count] for block, count in zip(blocks, counts, strict=True)])


class _GatherEmbeddings(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx: Any, embeddings: paddle.Tensor) -> paddle.Tensor:
        return gather(embeddings)

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> paddle.Tensor:
        size, rank = dist.get_world_size(), dist.get_rank()
        whole = _summed(gradient)
        count = whole.shape[0] // size
        return whole[rank * count : (rank + 1) * count] * size


def gather_embeddings(embeddings: paddle.Tensor) -> paddle.Tensor:
    """(N, E) of this process to (N world_size, E).

    The backward pass sums the parts' gradients, times the number of processes: gradients of the backbone are averaged
    over the processes afterwards, and the loss is already one of all images.
    """
    return _GatherEmbeddings.apply(embeddings)


def _summed(values: paddle.Tensor) -> paddle.Tensor:
    result = values.clone()
    dist.all_reduce(result)
    return result


class _Sum(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx: Any, values: paddle.Tensor) -> paddle.Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> paddle.Tensor:
        return gradient.clone()


class _SumOfAll(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx: Any, values: paddle.Tensor) -> paddle.Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> paddle.Tensor:
        return _summed(gradient)


def sum_of_all(values: paddle.Tensor) -> paddle.Tensor:
    """The sum over all processes, each of which goes on with it: its gradient is the sum of theirs."""
    return _SumOfAll.apply(values)


def reduce(values: paddle.Tensor, how: str) -> paddle.Tensor:
    """Combine values of all parts of a head: "sum", whose backward pass returns the gradient unchanged, or "max"."""
    if how == "sum":
        return _Sum.apply(values)
    result = values.detach().clone()
    dist.all_reduce(result, dist.ReduceOp.MAX)
    return result


def any_of(flag: bool, device: str) -> bool:
    """Whether the flag is set in any process."""
    votes = paddle.to_tensor([float(flag)], dtype="float32")
    dist.all_reduce(votes)
    return bool((votes > 0).any())


def wait() -> None:
    """Wait for all processes (a barrier)."""
    dist.barrier()


def is_failure(error: BaseException) -> bool:
    """Whether an error comes from the communication: a process that ended or does not answer in time."""
    text = str(error)
    return isinstance(error, RuntimeError | OSError) and ("gloo" in text or "NCCL" in text)
