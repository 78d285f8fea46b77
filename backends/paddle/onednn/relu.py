"""ReLU by oneDNN."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive

TRAINING, RELU_FROM_OUTPUT = 64, 0x100
SRC, DST, DIFF_SRC, DIFF_DST = 1, 17, 129, 145  # arguments


class Plan:
    """Forward and backward primitives for one layout; the gradient needs the output only."""

    def __init__(self, layout: Layout) -> None:
        engine, same = library.get().engine, layout.handle
        self.layout = layout
        self.forward = Primitive(
            "dnnl_eltwise_forward_primitive_desc_create", engine, TRAINING, RELU_FROM_OUTPUT, same, same, 0, 0, None
        )
        self.backward = Primitive(
            "dnnl_eltwise_backward_primitive_desc_create", engine, RELU_FROM_OUTPUT, same, same, same, 0, 0,
            self.forward.descriptor, None,
        )  # fmt: skip


class ReLU:
    """One application of a ReLU to (N, C, H, W)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.parameters: list[paddle.Tensor] = []
        self.shape = shape

    def forward(self, x: Memory) -> Memory:
        """The output, in the layout of the input."""
        layout = x.layout
        plan = self.plan = cached(("relu", layout.key), lambda: Plan(layout))
        self.y = Memory(plan.layout)
        plan.forward({SRC: x, DST: self.y})
        return self.y

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory, list[paddle.Tensor | None]]:
        """The gradient of the input."""
        plan = self.plan
        result = Memory(plan.layout)
        plan.backward({DST: self.y, DIFF_DST: given.to(plan.layout), DIFF_SRC: result})
        return result, []
