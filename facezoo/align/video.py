"""Frames of a video, read with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facezoo.errors import BackendUnavailableError, ImageError


def read_frames(path: str | Path, step: int, max_pixels: int) -> Iterator[tuple[int, np.ndarray]]:
    """Every ``step``-th frame, starting with the first: its number and pixels, uint8 RGB (H, W, 3).

    Raises:
        BackendUnavailableError: PyAV is not installed; the message gives the pip command.
        ImageError: the file is not a video, is broken, or its frames have more than ``max_pixels``.
    """
    try:
        import av
    except ImportError as error:
        raise BackendUnavailableError(f"{path}: reading a video needs PyAV: pip install 'facezoo[video]'") from error
    try:
        with av.open(str(path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if frame.width * frame.height > max_pixels:
                    raise ImageError(f"{path}: frames of {frame.width}x{frame.height}, above {max_pixels} pixels")
                if number % step == 0:
                    yield number, frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise ImageError(f"{path}: cannot be read as a video ({error})") from error
