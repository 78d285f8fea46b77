"""A prepared operation of oneDNN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.layout import Layout
from facezoo.backends.paddle.onednn.library import Handle


class Argument(Protocol):
    """A tensor that a primitive reads or writes."""

    handle: Handle  # a memory of the library


class Primitive:
    """An operation for fixed shapes and layouts.

    Args:
        create: the function of the library that makes its descriptor.
        arguments: of that function, after the result.

    Raises:
        OneDNNError: the library has no kernel for the case.
    """

    def __init__(self, create: str, *arguments: Any) -> None:
        lib = library.get()
        self.descriptor = lib.create("primitive_desc", create, *arguments)
        self.handle = lib.create("primitive", "dnnl_primitive_create", self.descriptor)

    def layout(self, what: int) -> Layout:
        """The layout of an argument; ``what`` is a number of ``dnnl_query_t``."""
        lib = library.get()
        found = lib.dll.dnnl_primitive_desc_query_md(self.descriptor, what, 0)
        return Layout(lib.create("memory_desc", "dnnl_memory_desc_clone", found))

    def __call__(self, arguments: Mapping[int, Argument]) -> None:
        """Run, and return when it is done; keys are numbers of arguments (``DNNL_ARG_...``)."""
        lib = library.get()
        lib.use_threads()
        given = (library.Argument * len(arguments))(
            *[library.Argument(number, int(item.handle)) for number, item in arguments.items()]
        )
        lib.call("dnnl_primitive_execute", self.handle, lib.stream, len(given), given)
        lib.call("dnnl_stream_wait", lib.stream)
