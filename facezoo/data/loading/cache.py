"""Decoded images kept in memory, shared by the loader's processes."""

from __future__ import annotations

import ctypes
from multiprocessing import get_context
from typing import Any

import numpy as np

CACHE_BYTES = 1 << 30


def shared_bytes(count: int) -> Any:
    """Zeroed memory of ``count`` bytes that worker processes see too.

    It has no name (the file behind it is already deleted), so nothing stays behind however a process ends.
    """
    return get_context("spawn").RawArray(ctypes.c_uint8, count)


def as_array(memory: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A uint8 view of the first bytes of shared memory."""
    return np.frombuffer(memory, dtype=np.uint8, count=int(np.prod(shape))).reshape(shape)


class DecodedCache:
    """The first images of a set, as many as fit in ``max_bytes``, after decoding and resizing.

    A process that decoded an image writes it; the loader marks it ready once the process has answered, so no
    process ever reads half an image.

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
        """The memory, not the views of it."""
        return {"shape": self.shape, "_pixels": self._pixels, "_ready": self._ready}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._views()

    def get(self, index: int) -> np.ndarray | None:
        """The image, to be read only, or None when it is not here."""
        return self._images[index] if index < len(self._flags) and self._flags[index] else None

    def put(self, index: int, image: np.ndarray) -> None:
        """Store an image's pixels, if there is room for its number."""
        if index < len(self._flags):
            self._images[index] = image

    def mark(self, indices: np.ndarray) -> None:
        """These images have been stored by a process that has finished with them."""
        self._flags[indices[indices < len(self._flags)]] = 1
