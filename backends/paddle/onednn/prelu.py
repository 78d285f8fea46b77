"""PReLU with one slope per channel by oneDNN."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout, chosen, plain
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive

TRAINING = 64
SRC, DST, WEIGHTS = 1, 17, 33  # arguments
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS = 129, 145, 161
WEIGHTS_LAYOUT, DIFF_WEIGHTS_LAYOUT = 131, 132  # queries


class Plan:
    """Forward and backward primitives for one layout."""

    def __init__(self, layout: Layout, channels: int) -> None:
        engine, same = library.get().engine, layout.handle
        self.layout, self.plain_slope = layout, plain([1, channels, 1, 1])
        slope = chosen([1, channels, 1, 1])  # in a blocked layout the fast kernel wants blocked slopes
        self.forward = Primitive(
            "dnnl_prelu_forward_primitive_desc_create", engine, TRAINING, same, slope.handle, same, None
        )
        self.backward = Primitive(
            "dnnl_prelu_backward_primitive_desc_create", engine, same, slope.handle, same, slope.handle,
            same, self.forward.descriptor, None,
        )  # fmt: skip
        self.slope = self.forward.layout(WEIGHTS_LAYOUT)
        self.backward_slope = self.backward.layout(WEIGHTS_LAYOUT)
        self.diff_slope = self.backward.layout(DIFF_WEIGHTS_LAYOUT)


class PReLU:
    """One application of a PReLU.

    Args:
        shape: of the input (N, C, H, W).
        slope: (C,).
    """

    def __init__(self, shape: tuple[int, ...], slope: paddle.Tensor) -> None:
        self.parameters = [slope]
        self.shape = shape

    def forward(self, x: Memory) -> Memory:
        """The output, in the layout of the input."""
        layout, channels = x.layout, self.shape[1]
        plan = self.plan = cached(("prelu", layout.key), Plan, layout, channels)
        self.x, y = x, Memory(plan.layout)
        self.slope = Memory(plan.plain_slope, self.parameters[0])
        plan.forward({SRC: x, WEIGHTS: self.slope.to(plan.slope), DST: y})
        return y

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory, list[paddle.Tensor | None]]:
        """Gradients of the input and of the slope."""
        plan, channels = self.plan, self.shape[1]
        result, slopes = Memory(plan.layout), Memory(plan.diff_slope)
        plan.backward(
            {
                SRC: self.x, WEIGHTS: self.slope.to(plan.backward_slope), DIFF_DST: given.to(plan.layout),
                DIFF_SRC: result, DIFF_WEIGHTS: slopes,
            }
        )  # fmt: skip
        return result, [slopes.to(plan.plain_slope).tensor[:channels] if wanted[1] else None]
