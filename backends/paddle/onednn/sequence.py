"""Layers of a network computed by oneDNN where it can, by paddle elsewhere."""

from __future__ import annotations

from typing import Protocol, TypeGuard

import paddle
from paddle import nn

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.chain import Operation, run
from facezoo.backends.paddle.onednn.relu import ReLU


class Served(Protocol):
    """A layer that oneDNN can compute in training."""

    def operation(self, shape: tuple[int, ...]) -> Operation | None:
        """One application to an input of that shape (N, C, H, W); None where only paddle can compute it."""


def usable(x: paddle.Tensor, training: bool) -> bool:
    """Whether oneDNN may compute on ``x``: training in the dynamic graph in float32 on the CPU, without autocast."""
    if not training or not paddle.in_dynamic_mode() or paddle.is_autocast_enabled():
        return False
    if x.dtype != paddle.float32 or x.ndim != 4 or x.size == 0 or "cpu" not in str(x.place):
        return False
    return library.find() is not None


def apply(x: paddle.Tensor, *layers: nn.Layer | None) -> paddle.Tensor:
    """Apply layers in order.

    In training, neighbours that oneDNN can compute become one node of the graph, which keeps blocked layouts inside.

    Args:
        x: the input of the first layer.
        layers: None is left out.
    """
    present = [layer for layer in layers if layer is not None]
    if not usable(x, any(layer.training for layer in present)):
        for layer in present:
            x = layer(x)
        return x
    pending: list[Operation] = []
    shape = tuple(x.shape)
    for layer in present:
        if isinstance(layer, nn.Identity):
            continue
        operation = operation_of(layer, shape)
        if operation is not None:
            pending.append(operation)
            shape = operation.shape
        else:
            x = layer(_finish(pending, x))
            pending, shape = [], tuple(x.shape)
    return _finish(pending, x)


def operation_of(layer: nn.Layer, shape: tuple[int, ...]) -> Operation | None:
    """The operation of a layer in training that has no hooks; None for others."""
    if not layer.training or layer._forward_pre_hooks or layer._forward_post_hooks:
        return None
    if isinstance(layer, nn.ReLU):
        return ReLU(shape)
    return layer.operation(shape) if _is_served(layer) else None


def _is_served(layer: object) -> TypeGuard[Served]:
    return hasattr(layer, "operation")


def _finish(pending: list[Operation], x: paddle.Tensor) -> paddle.Tensor:
    if not pending:
        return x
    return run(pending, x)
