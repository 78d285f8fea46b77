"""PReLU whose gradient is right on every way through paddle."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn


class PReLU(nn.PReLU):
    """One slope a channel, 0.25 at the start.

    In a static graph with oneDNN, paddle's own operator gives wrong gradients (of input and slope, both by more
    than their size); while training there the two pieces are written out. Its forward pass is right, and fast.

    Args:
        num_parameters: channels.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if paddle.in_dynamic_mode() or not self.training:
            return F.prelu(x, self._weight)
        slope = self._weight.reshape([1, -1] + [1] * (x.ndim - 2))
        return paddle.where(x > 0, x, x * slope)
