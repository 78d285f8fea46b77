"""Copies of a network in several processes, whose gradients are averaged during the backward pass."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.parallel import DistributedDataParallel

from facezoo.backends.torch.sync_norm import synchronise_batch_norm
from facezoo.interfaces.parallel import ParallelSettings

# the running statistics of rank 0 are not copied before each step; torch 2.13 renames the argument
_ARGUMENTS = inspect.signature(DistributedDataParallel.__init__).parameters
KEEP_BUFFERS: dict[str, Any] = {
    "forward_sync_buffers" if "forward_sync_buffers" in _ARGUMENTS else "broadcast_buffers": False
}
HOOKS = {"float16": default_hooks.fp16_compress_hook, "bfloat16": default_hooks.bf16_compress_hook}


def replicate(network: nn.Module, device: torch.device, settings: ParallelSettings) -> DistributedDataParallel:
    """The network in torch's DistributedDataParallel, with the parameters of rank 0.

    Buffers are averaged by the engine after each step, so that running statistics count the images of all processes.
    """
    if settings.sync_batch_norm:
        synchronise_batch_norm(network, device)
    replica = DistributedDataParallel(
        network, device_ids=[device] if device.type == "cuda" else None,
        find_unused_parameters=settings.find_unused, gradient_as_bucket_view=True, **KEEP_BUFFERS,
    )  # fmt: skip
    if settings.compression != "none":
        replica.register_comm_hook(None, HOOKS[settings.compression])
    return replica
