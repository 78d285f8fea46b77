"""Sources of encoded images, whose bytes can be copied without decoding."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from facezoo.data.image import png_bytes, read_image
from facezoo.data.sources.source import Source


class EncodedSource(Source):
    """A source whose images are stored as JPEG, PNG or another encoded file."""

    @abstractmethod
    def encoded(self, index: int) -> bytes:
        """The stored bytes of image ``index``, unchanged.

        Raises:
            ImageError: they cannot be read.
        """

    def image(self, index: int) -> np.ndarray:
        """Decode image ``index`` to uint8 RGB (H, W, 3)."""
        return read_image(self.encoded(index), name=self.key(index))


def encoded_image(source: Source, index: int) -> bytes:
    """The stored bytes of an image if the source has them, else the image as PNG."""
    if isinstance(source, EncodedSource):
        return source.encoded(index)
    return png_bytes(source.image(index))
