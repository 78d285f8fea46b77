"""Mean and variance of a batch, to the last digits of float32.

The library adds all values of a channel one by one. At 16 images of 112 x 112 its variance is wrong by 2e-5, a hundred
times more than that of torch or paddle. Here it computes them for small parts of a channel, and the parts are combined
in float64.
"""

from __future__ import annotations

import numpy as np

from facezoo.backends.paddle.onednn import library
from facezoo.backends.paddle.onednn.layout import Layout, blocked, plain
from facezoo.backends.paddle.onednn.memory import Memory
from facezoo.backends.paddle.onednn.primitive import Primitive

TRAINING = 64
SRC, DST, MEAN, VARIANCE = 1, 17, 49, 50  # arguments
BLOCKS = (16, 8, 1)  # channels that lie side by side in the layouts that are known here
PART = 1024  # values of a part, at most, where the height can be divided


class Statistics:
    """Mean and variance for one layout.

    Each part of an image becomes a channel of one long image: the same bytes under another shape.

    Args:
        shape: (N, C, H, W).
        layout: of these images.
    """

    def __init__(self, shape: tuple[int, ...], layout: Layout) -> None:
        images, channels, height, width = shape
        known = [block for block in BLOCKS if blocked(shape, block).same(layout)]
        self.layout = layout if known else blocked(shape, 1)  # where the values must be
        block = known[0] if known else 1
        divisors = [count for count in range(1, height + 1) if not height % count]
        parts = next((count for count in divisors if height // count * width <= PART), height)
        groups = -(-channels // block)
        self.order = (images, groups, parts, block)
        self.channels = channels
        long = (1, images * groups * parts * block, height // parts, width)
        self.long, self.vector = blocked(long, block), plain(long[1:2])
        self.primitive = Primitive(
            "dnnl_batch_normalization_forward_primitive_desc_create",
            library.get().engine, TRAINING, self.long.handle, self.long.handle, 0.0, 0, None,
        )  # fmt: skip

    def __call__(self, x: Memory, scratch: Memory) -> tuple[np.ndarray, np.ndarray]:
        """Mean and biased variance (C,) in float64; ``scratch`` is of the same size as ``x`` and is overwritten."""
        mean, variance = Memory(self.vector), Memory(self.vector)
        x = x.to(self.layout)
        self.primitive(
            {SRC: Memory(self.long, x.tensor), DST: Memory(self.long, scratch.tensor), MEAN: mean, VARIANCE: variance}
        )
        means, variances = (value.tensor.numpy().astype(np.float64).reshape(self.order) for value in (mean, variance))
        with np.errstate(invalid="ignore", over="ignore"):  # a loss that is not finite ends the step
            centre = means.mean((0, 2))  # (groups, block)
            spread = variances.mean((0, 2)) + np.square(means - centre[:, None]).mean((0, 2))
        return centre.reshape(-1)[: self.channels], spread.reshape(-1)[: self.channels]
