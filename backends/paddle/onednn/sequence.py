"""Layers of a network computed by oneDNN where it can, by paddle elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeGuard

import paddle
from paddle import nn

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.activation import FUNCTIONS, Activation
from facezoo.backends.paddle.onednn.chain import Operation, run


class Served(Protocol):
    """A layer that oneDNN can compute in training."""

    def operation(self, shape: tuple[int, ...]) -> Operation | None:
        """One application to an input of that shape (N, C, H, W); None where only paddle can compute it."""


def usable(x: paddle.Tensor, training: bool) -> bool:
    """Whether oneDNN may compute on ``x``: training in the dynamic graph in float32 on the CPU, without autocast."""
    if not training or not paddle.in_dynamic_mode():
        return False
    if x.dtype != paddle.float32 or x.ndim != 4 or x.size == 0 or "cpu" not in str(x.place):
        return False
    return library.find() is not None and not paddle.is_autocast_enabled()


def apply(x: paddle.Tensor, *layers: nn.Layer | None) -> paddle.Tensor:
    """Apply layers in order.

    In training, neighbours that oneDNN can compute become one node of the graph, which keeps blocked layouts inside.

    Args:
        x: the input of the first layer.
        layers: None is left out. One with a method ``in_order``, which returns its layers, is taken apart.
    """
    present = list(_taken_apart(layers))
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
    if not layer.training or _hooked(layer):
        return None
    if type(layer) in FUNCTIONS:
        return Activation(shape, FUNCTIONS[type(layer)])
    return layer.operation(shape) if _is_served(layer) else None


def _taken_apart(layers: Iterable[nn.Layer | None]) -> Iterator[nn.Layer]:
    for layer in layers:
        parts = getattr(layer, "in_order", None)
        if parts is not None and layer is not None and not _hooked(layer):
            yield from _taken_apart(parts())
        elif layer is not None:
            yield layer


def _hooked(layer: nn.Layer) -> bool:
    return bool(layer._forward_pre_hooks or layer._forward_post_hooks)


def _is_served(layer: object) -> TypeGuard[Served]:
    return hasattr(layer, "operation")


def _finish(pending: list[Operation], x: paddle.Tensor) -> paddle.Tensor:
    if not pending:
        return x
    return run(pending, x)
