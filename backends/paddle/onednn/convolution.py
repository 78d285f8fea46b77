"""Convolution by oneDNN, forward and backward, in the layouts that it prefers."""

from __future__ import annotations

import functools
from typing import NamedTuple

import paddle

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout, chosen, dims, plain
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive

TRAINING, DIRECT = 64, 1
SRC, DST, WEIGHTS, BIAS = 1, 17, 33, 41  # arguments
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS, DIFF_BIAS = 129, 145, 161, 169
SRC_LAYOUT, DIFF_SRC_LAYOUT, WEIGHTS_LAYOUT, DIFF_WEIGHTS_LAYOUT, DST_LAYOUT, DIFF_DST_LAYOUT = range(129, 135)


class Geometry(NamedTuple):
    """Sizes of a convolution.

    Args:
        images: shape of the input (N, C, H, W).
        weight: shape of the weight (O, C / groups, kh, kw).
        stride: vertical, horizontal.
        before: padding at the top and at the left.
        after: padding at the bottom and at the right.
        dilation: vertical, horizontal; 1 is none.
        groups: divides C and O.
        bias: whether there is one.
    """

    images: tuple[int, ...]
    weight: tuple[int, ...]
    stride: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    bias: bool

    def output(self) -> tuple[int, ...]:
        """Shape of the output (N, O, H', W')."""
        sizes = [
            (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
            for size, before, after, dilation, kernel, stride in zip(
                self.images[2:], self.before, self.after, self.dilation, self.weight[2:], self.stride, strict=True
            )
        ]
        return (self.images[0], self.weight[0], *sizes)

    def grouped(self) -> tuple[int, ...]:
        """Shape of the weight as the library takes it: with groups (G, O / G, C / G, kh, kw)."""
        if self.groups == 1:
            return self.weight
        return (self.groups, self.weight[0] // self.groups, *self.weight[1:])


class Plan:
    """The three primitives of a geometry; those of the backward pass are made when they are needed."""

    def __init__(self, geometry: Geometry) -> None:
        g = self.geometry = geometry
        window = (g.stride, [d - 1 for d in g.dilation], g.before, g.after)
        self.window = [dims(values) for values in window]
        self.any_images, self.any_weight, self.any_output = (
            chosen(shape) for shape in (g.images, g.grouped(), g.output())
        )
        self.plain_weight = plain(g.grouped())
        self.bias = plain(g.weight[:1]) if g.bias else None
        self.forward = Primitive(
            "dnnl_convolution_forward_primitive_desc_create", library.get().engine, TRAINING, DIRECT,
            self.any_images.handle, self.any_weight.handle, self.bias and self.bias.handle, self.any_output.handle,
            *self.window, None,
        )  # fmt: skip
        self.images = self.forward.layout(SRC_LAYOUT)
        self.weight = self.forward.layout(WEIGHTS_LAYOUT)
        self.output = self.forward.layout(DST_LAYOUT)

    @functools.cached_property
    def backward_images(self) -> tuple[Primitive, Layout, Layout, Layout]:
        """Gradient of the input: primitive; layouts of that gradient, of the weight, of the output's gradient."""
        made = Primitive(
            "dnnl_convolution_backward_data_primitive_desc_create", library.get().engine, DIRECT,
            self.any_images.handle, self.any_weight.handle, self.any_output.handle, *self.window,
            self.forward.descriptor, None,
        )  # fmt: skip
        layouts = [made.layout(what) for what in (DIFF_SRC_LAYOUT, WEIGHTS_LAYOUT, DIFF_DST_LAYOUT)]
        return made, layouts[0], layouts[1], layouts[2]

    @functools.cached_property
    def backward_weight(self) -> tuple[Primitive, Layout, Layout, Layout]:
        """Gradients of weight and bias: primitive; layouts of input, of the weight's and the output's gradient."""
        made = Primitive(
            "dnnl_convolution_backward_weights_primitive_desc_create", library.get().engine, DIRECT,
            self.any_images.handle, self.any_weight.handle, self.bias and self.bias.handle, self.any_output.handle,
            *self.window, self.forward.descriptor, None,
        )  # fmt: skip
        layouts = [made.layout(what) for what in (SRC_LAYOUT, DIFF_WEIGHTS_LAYOUT, DIFF_DST_LAYOUT)]
        return made, layouts[0], layouts[1], layouts[2]


class Convolution:
    """One application of a convolution; remembers its input for the backward pass.

    Args:
        geometry: its sizes.
        weight: (O, C / groups, kh, kw), contiguous.
        bias: (O,), or None.
    """

    def __init__(self, geometry: Geometry, weight: paddle.Tensor, bias: paddle.Tensor | None) -> None:
        self.plan: Plan = cached(("convolution", geometry), Plan, geometry)
        self.parameters = [weight] if bias is None else [weight, bias]
        self.shape = geometry.output()

    def forward(self, x: Memory) -> Memory:
        """The output, in the layout that the library prefers."""
        plan = self.plan
        self.x = x.to(plan.images)
        y = Memory(plan.output)
        weight = Memory(plan.plain_weight, self.parameters[0])
        arguments = {SRC: self.x, WEIGHTS: weight.to(plan.weight), DST: y}
        if plan.bias is not None:
            arguments[BIAS] = Memory(plan.bias, self.parameters[1])
        plan.forward(arguments)
        return y

    def backward(self, given: Memory, wanted: list[bool]) -> tuple[Memory | None, list[paddle.Tensor | None]]:
        """Gradients of the input and of the parameters.

        Args:
            given: the gradient of the output.
            wanted: which are needed: of the input, of each parameter.
        """
        plan, weight = self.plan, Memory(self.plan.plain_weight, self.parameters[0])
        found: list[paddle.Tensor] = []
        if any(wanted[1:]):
            primitive, layout, weight_layout, given_layout = plan.backward_weight
            found = [paddle.empty(value.shape, "float32") for value in self.parameters]
            result = Memory(plan.plain_weight, found[0])
            target = result if weight_layout.same(plan.plain_weight) else Memory(weight_layout)
            arguments = {SRC: self.x.to(layout), DIFF_DST: given.to(given_layout), DIFF_WEIGHTS: target}
            if plan.bias is not None:
                arguments[DIFF_BIAS] = Memory(plan.bias, found[1])
            primitive(arguments)
            if target is not result:
                target.write(result)
        parameters = [value if want else None for value, want in zip(found, wanted[1:], strict=False)]
        if not wanted[0]:
            return None, parameters or [None] * len(self.parameters)
        primitive, layout, weight_layout, given_layout = plan.backward_images
        result = Memory(layout)
        primitive({DIFF_DST: given.to(given_layout), WEIGHTS: weight.to(weight_layout), DIFF_SRC: result})
        return result, parameters or [None] * len(self.parameters)
