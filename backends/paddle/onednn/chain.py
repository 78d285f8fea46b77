"""A sequence of operations by oneDNN as one node of paddle's graph; layouts stay blocked inside."""

from __future__ import annotations

from typing import Any, Protocol

import paddle
from paddle.autograd import PyLayer

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.convolution import Convolution
from facezoo.backends.paddle.onednn.layout import Layout, plain
from facezoo.backends.paddle.onednn.memory import Memory


class Operation(Protocol):
    """One application of a convolution, a batch norm or an activation."""

    parameters: list[paddle.Tensor]
    shape: tuple[int, ...]  # of the output

    def forward(self, x: Memory) -> Memory: ...

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory | None, list[paddle.Tensor | None]]: ...


def _plain(shape: tuple[int, ...]) -> Layout:
    return cached(("plain", shape), plain, shape)


def _as_tensor(memory: Memory, shape: tuple[int, ...]) -> paddle.Tensor:
    """A tensor in paddle's layout."""
    target = _plain(shape)
    return memory.to(target).tensor.reshape(shape)


class _Chain(PyLayer):
    """Applies the operations in order; each tensor that gets a gradient is an argument of its own."""

    @staticmethod
    def forward(
        ctx: Any, operations: list[Operation], wanted: list[bool], x: paddle.Tensor, *parameters: paddle.Tensor
    ) -> paddle.Tensor:
        memory = Memory(_plain(tuple(x.shape)), x)
        first = next((item for item in operations if isinstance(item, Convolution)), None)
        if first is not None and first.plan.geometry.images == tuple(x.shape):
            memory = memory.to(first.plan.images)  # a norm before it is faster in this layout
        kept = [x, *parameters] if memory.tensor is x else parameters
        for operation in operations:
            memory = operation.forward(memory)
        ctx.operations, ctx.wanted, ctx.shape = operations, wanted, tuple(x.shape)
        ctx.versions = [(value, value.inplace_version) for value in kept]
        return _as_tensor(memory, operations[-1].shape)

    @staticmethod
    def backward(ctx: Any, *given: paddle.Tensor) -> Any:
        if paddle.is_grad_enabled():
            raise RuntimeError(
                "a derivative of a derivative (create_graph=True) through layers computed by oneDNN; expected first "
                f"derivatives. Set the environment variable {library.SWITCH}=0"
            )
        for value, version in ctx.versions:
            if value.inplace_version != version:
                raise RuntimeError(
                    f"a tensor of shape {value.shape} was changed in place between the forward and the backward pass; "
                    f"expected version {version}, received {value.inplace_version}. Change it after the backward pass"
                )
        operations, ctx.operations = ctx.operations, []
        memory: Memory | None = Memory(_plain(operations[-1].shape), given[0].contiguous())
        wanted = list(ctx.wanted)
        found: list[paddle.Tensor | None] = []
        while operations:  # each one is released when its gradients are known
            operation = operations.pop()
            count = len(operation.parameters)
            mine = wanted[len(wanted) - count :]
            del wanted[len(wanted) - count :]
            assert memory is not None
            memory, gradients = operation.backward(memory, [any(wanted), *mine])
            found[:0] = gradients
            if not any(wanted):
                break
        found[:0] = [None] * (len(ctx.wanted) - 1 - len(found))
        return (_as_tensor(memory, ctx.shape) if ctx.wanted[0] and memory is not None else None, *found)


def run(operations: list[Operation], x: paddle.Tensor) -> paddle.Tensor:
    """Apply operations in order to ``x`` (N, C, H, W)."""
    parameters = [value for operation in operations for value in operation.parameters]
    wanted = [not value.stop_gradient for value in (x, *parameters)]
    y = _Chain.apply(operations, wanted, x.contiguous(), *parameters)
    if not y.stop_gradient:
        y.register_hook(_Once())
    return y


class _Once:
    """Ends a second backward pass through a node, in which paddle would crash, by an error."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, gradient: paddle.Tensor) -> None:
        if self.done:
            raise RuntimeError(
                "a second backward pass through one graph (retain_graph=True) with layers computed by oneDNN; expected "
                f"one pass. Repeat the forward pass, or set the environment variable {library.SWITCH}=0"
            )
        self.done = True
