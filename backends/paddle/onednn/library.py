"""The oneDNN library inside paddle's wheel: its declarations, one CPU engine and one stream."""

from __future__ import annotations

import ctypes
import functools
import logging
import os
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from pathlib import Path
from typing import Any

import paddle

from facezoo.io.memory import keep_freed_memory

SWITCH = "FACEZOO_PADDLE_ONEDNN"  # "0" switches the library off
TESTED = ((3, 6),)  # versions (major, minor) whose declarations are those below
OPENMP = 2  # the only CPU runtime whose threads are handled here

Dims = c_int64 * 12
log = logging.getLogger(__name__)


class Version(ctypes.Structure):
    """``dnnl_version_t``."""

    _fields_ = [
        ("major", c_int), ("minor", c_int), ("patch", c_int), ("hash", c_char_p), ("cpu_runtime", c_uint),
        ("gpu_runtime", c_uint),
    ]  # fmt: skip


class Argument(ctypes.Structure):
    """``dnnl_exec_arg_t``: the number of an argument and its memory."""

    _fields_ = [("number", c_int), ("memory", c_void_p)]


class OneDNNError(RuntimeError):
    """A call of the library failed."""

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"{function} of oneDNN returned status {status}; set {SWITCH}=0 to train without it")


class Handle:
    """An object of the library, destroyed with this one; it can be passed to the library's functions."""

    __slots__ = ("_as_parameter_", "_destroy")

    def __init__(self, value: int, destroy: Callable[[int], int]) -> None:
        self._as_parameter_, self._destroy = value, destroy

    def __del__(self) -> None:
        self._destroy(self._as_parameter_)

    def __int__(self) -> int:
        return self._as_parameter_


HANDLE, OUT = c_void_p, POINTER(c_void_p)
WINDOW = [Dims, Dims, Dims, Dims]  # strides, dilations, padding before, padding after
DECLARED: dict[str, list[Any]] = {  # functions that return a status
    "dnnl_engine_create": [OUT, c_int, c_size_t],
    "dnnl_engine_destroy": [HANDLE],
    "dnnl_stream_create": [OUT, HANDLE, c_uint],
    "dnnl_stream_destroy": [HANDLE],
    "dnnl_stream_wait": [HANDLE],
    "dnnl_memory_create": [OUT, HANDLE, HANDLE, c_void_p],
    "dnnl_memory_destroy": [HANDLE],
    "dnnl_memory_desc_create_with_strides": [OUT, c_int, Dims, c_int, Dims],
    "dnnl_memory_desc_create_with_tag": [OUT, c_int, Dims, c_int, c_int],
    "dnnl_memory_desc_clone": [OUT, HANDLE],
    "dnnl_memory_desc_get_blob": [c_void_p, POINTER(c_size_t), HANDLE],
    "dnnl_memory_desc_destroy": [HANDLE],
    "dnnl_primitive_create": [OUT, HANDLE],
    "dnnl_primitive_destroy": [HANDLE],
    "dnnl_primitive_desc_destroy": [HANDLE],
    "dnnl_primitive_execute": [HANDLE, HANDLE, c_int, POINTER(Argument)],
    "dnnl_reorder_primitive_desc_create": [OUT, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE],
    "dnnl_convolution_forward_primitive_desc_create": [OUT, HANDLE, c_int, c_int, *[HANDLE] * 4, *WINDOW, HANDLE],
    "dnnl_convolution_backward_data_primitive_desc_create": [OUT, HANDLE, c_int, *[HANDLE] * 3, *WINDOW, *[HANDLE] * 2],
    "dnnl_convolution_backward_weights_primitive_desc_create": [
        OUT, HANDLE, c_int, *[HANDLE] * 4, *WINDOW, *[HANDLE] * 2
    ],
    "dnnl_batch_normalization_forward_primitive_desc_create": [
        OUT, HANDLE, c_int, HANDLE, HANDLE, c_float, c_uint, HANDLE
    ],
    "dnnl_batch_normalization_backward_primitive_desc_create": [
        OUT, HANDLE, c_int, HANDLE, HANDLE, HANDLE, c_float, c_uint, HANDLE, HANDLE
    ],
    "dnnl_prelu_forward_primitive_desc_create": [OUT, HANDLE, c_int, *[HANDLE] * 4],
    "dnnl_prelu_backward_primitive_desc_create": [OUT, HANDLE, *[HANDLE] * 7],
    "dnnl_eltwise_forward_primitive_desc_create": [
        OUT, HANDLE, c_int, c_int, HANDLE, HANDLE, c_float, c_float, HANDLE
    ],
    "dnnl_eltwise_backward_primitive_desc_create": [
        OUT, HANDLE, c_int, HANDLE, HANDLE, HANDLE, c_float, c_float, HANDLE, HANDLE
    ],
}  # fmt: skip


class Library:
    """A loaded library; :meth:`call` checks the status of each call."""

    def __init__(self, dll: ctypes.CDLL) -> None:
        for name, arguments in DECLARED.items():
            function = getattr(dll, name)
            function.argtypes, function.restype = arguments, c_int
        dll.dnnl_memory_desc_get_size.argtypes, dll.dnnl_memory_desc_get_size.restype = [HANDLE], c_size_t
        dll.dnnl_memory_desc_equal.argtypes, dll.dnnl_memory_desc_equal.restype = [HANDLE, HANDLE], c_int
        query = dll.dnnl_primitive_desc_query_md
        query.argtypes, query.restype = [HANDLE, c_int, c_int], c_void_p
        self.dll = dll
        self.threads = int(os.environ.get("OMP_NUM_THREADS", "1").split(",")[0] or 1)  # as paddle at its import
        self.engine = self.create("engine", "dnnl_engine_create", 1, 0)  # a CPU
        self.stream = self.create("stream", "dnnl_stream_create", self.engine, 1)  # in order

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status.

        Raises:
            OneDNNError: the status is not success.
        """
        status = getattr(self.dll, name)(*arguments)
        if status:
            raise OneDNNError(name, status)

    def create(self, kind: str, function: str, *arguments: Any) -> Handle:
        """The object that a function writes into its first parameter; ``kind`` names the function that destroys it."""
        value = c_void_p()
        self.call(function, ctypes.byref(value), *arguments)
        return Handle(int(value.value or 0), getattr(self.dll, f"dnnl_{kind}_destroy"))

    def use_threads(self) -> None:
        """Give the calling thread as many OpenMP threads as paddle has."""
        if self.dll.omp_get_max_threads() != self.threads:  # of the OpenMP runtime that the library is linked to
            self.dll.omp_set_num_threads(self.threads)


@functools.cache
def _load() -> Library | None:
    if os.environ.get(SWITCH, "1") == "0":
        log.debug("oneDNN is not used: %s=0", SWITCH)
        return None
    path = Path(paddle.__file__).parent / "libs" / "libdnnl.so.3"
    try:
        paddle.is_autocast_enabled()  # which older versions of paddle lack
        dll = ctypes.CDLL(str(path))
        dll.dnnl_version.argtypes, dll.dnnl_version.restype = [], POINTER(Version)
        version = dll.dnnl_version().contents
        found = (version.major, version.minor)
        if found not in TESTED or version.cpu_runtime != OPENMP:
            log.debug("oneDNN is not used: version %s with CPU runtime %d", found, version.cpu_runtime)
            return None
        library = Library(dll)
    except (OSError, AttributeError, OneDNNError) as error:
        log.debug("oneDNN is not used: %s", error)
        return None
    keep_freed_memory()
    return library


def find() -> Library | None:
    """The library, or None where it is missing, of another version, or switched off; the reason goes to the log.

    A forked process gets None when its parent has used the library: it has none of the parent's OpenMP threads, and
    would wait for them.
    """
    return _load() if os.getpid() == _process else None


def get() -> Library:
    """The library, which :func:`find` has found before."""
    library = _load()
    assert library is not None
    return library


_process = os.getpid()
