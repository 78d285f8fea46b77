"""Values of a tensor in a layout of oneDNN."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.cache import cached
from facezoo.backends.paddle.onednn.layout import Layout
from facezoo.backends.paddle.onednn.primitive import Primitive

FROM, TO = 1, 17


class Memory:
    """A layout and a tensor that holds its elements; the tensor lives as long as this object.

    Args:
        layout: of the elements.
        tensor: contiguous, float32, on the CPU; None allocates one.
    """

    __slots__ = ("handle", "layout", "tensor")

    def __init__(self, layout: Layout, tensor: paddle.Tensor | None = None) -> None:
        self.layout = layout
        self.tensor = paddle.empty([layout.size // 4], "float32") if tensor is None else tensor
        lib = library.get()
        self.handle = lib.create("memory", "dnnl_memory_create", layout.handle, lib.engine, self.tensor.data_ptr())

    def to(self, layout: Layout) -> Memory:
        """These values in another layout; this object itself where the layouts are the same."""
        return self if self.layout.same(layout) else self.write(Memory(layout))

    def write(self, target: Memory) -> Memory:
        """Copy these values into a memory of another layout, which is returned."""
        source, layout = self.layout, target.layout
        reorder = cached(("reorder", source.key, layout.key), _reorder, source, layout)
        reorder({FROM: self, TO: target})
        return target


def _reorder(source: Layout, target: Layout) -> Primitive:
    engine = library.get().engine
    return Primitive("dnnl_reorder_primitive_desc_create", source.handle, engine, target.handle, engine, None)
