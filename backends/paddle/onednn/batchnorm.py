"""Batch normalisation in training by oneDNN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import paddle

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout, plain
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive
from facezoo.backends.paddle.onednn.statistics import Statistics

TRAINING, BACKWARD, BACKWARD_DATA = 64, 128, 160
GIVEN_STATISTICS, USE_SCALE, USE_SHIFT = 1, 2, 4
SRC, DST, MEAN, VARIANCE, SCALE, SHIFT = 1, 17, 49, 50, 51, 52  # arguments
DIFF_SRC, DIFF_DST, DIFF_SCALE, DIFF_SHIFT = 129, 145, 255, 256


class Setting(NamedTuple):
    """What a plan depends on besides the layout."""

    shape: tuple[int, ...]
    eps: float
    affine: bool


class Plan:
    """Primitives for one layout."""

    def __init__(self, layout: Layout, setting: Setting) -> None:
        engine, same, eps = library.get().engine, layout.handle, setting.eps
        flags = USE_SCALE | USE_SHIFT if setting.affine else 0
        self.layout, self.vector = layout, plain(setting.shape[1:2])
        self.statistics = Statistics(setting.shape, layout)
        create = "dnnl_batch_normalization_forward_primitive_desc_create"
        self.forward = Primitive(create, engine, TRAINING, same, same, eps, flags | GIVEN_STATISTICS, None)
        hint = Primitive(create, engine, TRAINING, same, same, eps, flags, None)
        self.backward = Primitive(
            "dnnl_batch_normalization_backward_primitive_desc_create", engine,
            BACKWARD if setting.affine else BACKWARD_DATA, same, same, same, eps, flags, hint.descriptor, None,
        )  # fmt: skip


class BatchNorm:
    """One application of a batch norm.

    Args:
        shape: of the input (N, C, H, W).
        eps: added to the variance.
        weight: (C,), or None with ``bias``.
        bias: (C,).
        update: is given the mean and the biased variance (C,) of the batch, and the number of values of a channel.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        eps: float,
        weight: paddle.Tensor | None,
        bias: paddle.Tensor | None,
        update: Callable[[paddle.Tensor, paddle.Tensor, int], None],
    ) -> None:
        self.parameters = [value for value in (weight, bias) if value is not None]
        self.setting = Setting(shape, eps, len(self.parameters) == 2)
        self.shape, self.update = shape, update

    def forward(self, x: Memory) -> Memory:
        """The normalised values, in the layout of the input."""
        layout, setting = x.layout, self.setting
        plan = self.plan = cached(("batch norm", layout.key, setting), Plan, layout, setting)
        self.x, y = x, Memory(plan.layout)
        mean, variance = (paddle.to_tensor(value, "float32") for value in plan.statistics(x, y))
        self.vectors = {MEAN: Memory(plan.vector, mean), VARIANCE: Memory(plan.vector, variance)}
        for number, value in zip((SCALE, SHIFT), self.parameters, strict=False):
            self.vectors[number] = Memory(plan.vector, value)
        plan.forward({SRC: x, DST: y, **self.vectors})
        self.update(mean, variance, math.prod(self.shape) // self.shape[1])
        return y

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory, list[paddle.Tensor | None]]:
        """Gradients of the input and of the parameters."""
        plan = self.plan
        result = Memory(plan.layout)
        found = [paddle.empty(self.shape[1:2], "float32") for _ in self.parameters]
        arguments = {SRC: self.x, DIFF_DST: given.to(plan.layout), DIFF_SRC: result, **self.vectors}
        arguments.pop(SHIFT, None)
        for number, value in zip((DIFF_SCALE, DIFF_SHIFT), found, strict=False):
            arguments[number] = Memory(plan.vector, value)
        plan.backward(arguments)
        return result, [value if want else None for value, want in zip(found, wanted[1:], strict=True)]
