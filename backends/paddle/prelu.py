"""PReLU whose gradient is correct in dynamic and in static graphs."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.onednn import prelu as native
from facezoo.backends.paddle.onednn import sequence
from facezoo.backends.paddle.onednn.chain import Operation, run


class PReLU(nn.PReLU):
    """One slope per channel, initially 0.25.

    In a static graph with oneDNN, paddle's own operator gives wrong gradients of input and slope (errors above 100 %),
    so training there uses separate operations. Its forward pass is correct and fast.

    Args:
        num_parameters: channels.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if sequence.usable(x, self.training) and (operation := sequence.operation_of(self, tuple(x.shape))) is not None:
            return run([operation], x)
        if paddle.in_dynamic_mode() or not self.training:
            return F.prelu(x, self._weight)
        slope = self._weight.reshape([1, -1] + [1] * (x.ndim - 2))
        return paddle.where(x > 0, x, x * slope)

    def operation(self, shape: tuple[int, ...]) -> Operation | None:
        """The activation of an input (N, C, H, W) by oneDNN."""
        slopes = self._weight.shape == [shape[1]] and self._weight.dtype == paddle.float32
        return native.PReLU(shape, self._weight) if slopes else None
