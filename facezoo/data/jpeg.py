"""JPEG by libjpeg-turbo without Pillow's overhead, where simplejpeg is installed; pixels are the same as Pillow's."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from PIL import features

_ORIENTED = (b"Exif\0", b"http://ns.adobe.com/xap/")  # blocks that may hold an orientation, which Pillow applies


def decode_plain_jpeg(data: bytes, max_pixels: int) -> np.ndarray | None:
    """The pixels of a common JPEG, uint8 RGB (H, W, 3).

    Args:
        data: the file.
        max_pixels: width times height above this is not decoded.

    Returns:
        None where Pillow has to decode or refuse the file: without simplejpeg, where Pillow does not use libjpeg-turbo
        itself, with EXIF or XMP data, another colour space than YCbCr or grey, or any irregularity in the file.
    """
    decoder = _decoder()
    if decoder is None or any(name in data for name in _ORIENTED):
        return None
    try:
        height, width, space, _ = decoder.decode_jpeg_header(data)
        if space not in ("YCbCr", "Gray") or height * width > max_pixels:
            return None
        return decoder.decode_jpeg(data, "RGB", strict=True)
    except (ValueError, RuntimeError, MemoryError):
        return None


@functools.cache
def _decoder() -> Any:
    """The module simplejpeg, or None."""
    if not features.check_feature("libjpeg_turbo"):
        return None
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
