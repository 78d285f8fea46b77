"""Activations without parameters by oneDNN."""

from __future__ import annotations

from typing import NamedTuple

import paddle
from paddle import nn

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive

TRAINING = 64
SRC, DST, DIFF_SRC, DIFF_DST = 1, 17, 129, 145  # arguments


class Function(NamedTuple):
    """An element-wise function of the library.

    Args:
        number: of the algorithm (``dnnl_alg_kind_t``).
        alpha: its first parameter.
        beta: its second parameter.
        from_output: the gradient needs the output, not the input.
    """

    number: int
    alpha: float = 0.0
    beta: float = 0.0
    from_output: bool = True


FUNCTIONS: dict[type, Function] = {
    nn.ReLU: Function(0x100),
    nn.ReLU6: Function(0x106, 0.0, 6.0),
    nn.Silu: Function(0x2C, 1.0, from_output=False),
    nn.Hardswish: Function(0x34, 1 / 6, 1 / 2, from_output=False),
}


class Plan:
    """Forward and backward primitives for one layout."""

    def __init__(self, layout: Layout, function: Function) -> None:
        engine, same = library.get().engine, layout.handle
        number, alpha, beta, _ = function
        self.layout = layout
        self.forward = Primitive(
            "dnnl_eltwise_forward_primitive_desc_create", engine, TRAINING, number, same, same, alpha, beta, None
        )
        self.backward = Primitive(
            "dnnl_eltwise_backward_primitive_desc_create", engine, number, same, same, same, alpha, beta,
            self.forward.descriptor, None,
        )  # fmt: skip


class Activation:
    """One application of a function to (N, C, H, W)."""

    def __init__(self, shape: tuple[int, ...], function: Function) -> None:
        self.parameters: list[paddle.Tensor] = []
        self.shape, self.function = shape, function

    def forward(self, x: Memory) -> Memory:
        """The output, in the layout of the input."""
        layout, function = x.layout, self.function
        plan = self.plan = cached(("activation", layout.key, function), Plan, layout, function)
        y = Memory(plan.layout)
        plan.forward({SRC: x, DST: y})
        self.kept = {DST: y} if function.from_output else {SRC: x}
        return y

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory, list[paddle.Tensor | None]]:
        """The gradient of the input."""
        plan = self.plan
        result = Memory(plan.layout)
        plan.backward({**self.kept, DIFF_DST: given.to(plan.layout), DIFF_SRC: result})
        return result, []
