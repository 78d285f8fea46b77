"""Copies of a network in several processes, whose gradients are averaged during the backward pass."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.sync_norm import synchronise_batch_norm
from facezoo.interfaces.parallel import ParallelSettings


def replicate(network: nn.Layer, device: str, settings: ParallelSettings) -> paddle.DataParallel:
    """The network in paddle's DataParallel, with the parameters and buffers of rank 0.

    Buffers are averaged by the engine after each step, so that running statistics count the images of all processes.
    """
    if settings.sync_batch_norm:
        synchronise_batch_norm(network, device)
    return paddle.DataParallel(network, find_unused_parameters=settings.find_unused)
