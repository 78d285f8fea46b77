"""Decoded images kept in memory, shared by the loader's processes."""

from __future__ import annotations

import ctypes
from multiprocessing import get_context
from typing import Any

import numpy as np

CACHE_BYTES = 1 << 30


def shared_bytes(count: int) -> Any:
    """Zeroed memory of ``count`` bytes that worker processes see too.

    It has no name (its file is deleted at once), so nothing remains however a process ends.
    """
    return get_context("spawn").RawArray(ctypes.c_uint8, count)


def as_array(memory: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A uint8 view of the first bytes of shared memory."""
    return np.frombuffer(memory, dtype=np.uint8, count=int(np.prod(shape))).reshape(shape)


class DecodedCache:
    """The first images of a set, as many as fit in ``max_bytes``, after decoding and resizing.

    The process that decoded an image writes it; the loader marks it ready once that process has answered, so no
    process reads an incomplete image.

    Args:
        count: images of the set.
        size: (height, width).
        max_bytes: memory the pixels may take.
        shared: visible to worker processes.
    """

    def __init__(
        self, count: int, size: tuple[int, int], *, max_bytes: int = CACHE_BYTES, shared: bool = False
    ) -> None:
        self.shape = (min(count, max_bytes // (size[0] * size[1] * 3)), *size, 3)
        total = int(np.prod(self.shape))
        self._pixels = shared_bytes(max(1, total)) if shared else np.empty(total, dtype=np.uint8)
        self._ready = shared_bytes(max(1, self.shape[0])) if shared else np.zeros(self.shape[0], np.uint8)
        self._views()

    def _views(self) -> None:
        self._images = as_array(self._pixels, self.shape)
        self._flags = as_array(self._ready, self.shape[:1])

    def __getstate__(self) -> dict[str, Any]:
        """The memory without its views."""
        return {"shape": self.shape, "_pixels": self._pixels, "_ready": self._ready}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._views()

    def get(self, index: int) -> np.ndarray | None:
        """The image, which must not be changed, or None when it is not cached."""
        return self._images[index] if index < len(self._flags) and self._flags[index] else None

    def put(self, index: int, image: np.ndarray) -> None:
        """Store the pixels of an image if the cache has room for its number."""
        if index < len(self._flags):
            self._images[index] = image

    def mark(self, indices: np.ndarray) -> None:
        """Mark images as ready: the process that stored them has finished."""
        self._flags[indices[indices < len(self._flags)]] = 1
