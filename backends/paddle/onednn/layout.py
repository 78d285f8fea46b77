"""Size and order of the elements of a tensor."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.library import Handle

FLOAT32 = 3
ANY = 1  # the format that leaves the choice of a layout to a primitive
TAGS = {16: 78, 8: 102}  # nChw16c, nChw8c


class Layout:
    """A memory descriptor of float32 elements; blocked layouts are opaque.

    Args:
        handle: a descriptor.
    """

    __slots__ = ("handle", "key", "size")

    def __init__(self, handle: Handle) -> None:
        lib = library.get()
        self.handle = handle
        self.size: int = lib.dll.dnnl_memory_desc_get_size(handle)  # bytes
        length = ctypes.c_size_t()
        lib.call("dnnl_memory_desc_get_blob", None, length, handle)
        blob = ctypes.create_string_buffer(length.value)
        lib.call("dnnl_memory_desc_get_blob", blob, length, handle)
        self.key = blob.raw

    def same(self, other: Layout) -> bool:
        """Whether both describe the same size and order."""
        return self.key == other.key or bool(library.get().dll.dnnl_memory_desc_equal(self.handle, other.handle))


def dims(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """The library's fixed array of sizes."""
    return library.Dims(*values)


def plain(shape: Sequence[int]) -> Layout:
    """The layout of a contiguous tensor of paddle."""
    strides = dims([math.prod(shape[axis + 1 :]) for axis in range(len(shape))])
    return _made("dnnl_memory_desc_create_with_strides", len(shape), dims(shape), FLOAT32, strides)


def chosen(shape: Sequence[int]) -> Layout:
    """A layout that a primitive chooses."""
    return _made("dnnl_memory_desc_create_with_tag", len(shape), dims(shape), FLOAT32, ANY)


def blocked(shape: Sequence[int], block: int) -> Layout:
    """The layout of images (N, C, H, W) with ``block`` channels side by side: 16, 8, or 1 for paddle's."""
    return (
        plain(shape) if block == 1 else _made("dnnl_memory_desc_create_with_tag", 4, dims(shape), FLOAT32, TAGS[block])
    )


def _made(function: str, *arguments: object) -> Layout:
    return Layout(library.get().create("memory_desc", function, *arguments))
