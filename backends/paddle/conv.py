"""Convolution with a fast path for training in float32 on a CPU."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.onednn import sequence
from facezoo.backends.paddle.onednn.chain import Operation, run
from facezoo.backends.paddle.onednn.convolution import Convolution, Geometry
from facezoo.backends.paddle.onednn.library import OneDNNError


class Conv2D(nn.Conv2D):
    """``nn.Conv2D``; oneDNN computes it in training in float32 on a CPU, several times as fast as paddle's kernel."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if sequence.usable(x, self.training) and (operation := sequence.operation_of(self, tuple(x.shape))) is not None:
            return run([operation], x)
        return super().forward(x)

    def operation(self, shape: tuple[int, ...]) -> Operation | None:
        """The convolution of an input (N, C, H, W) by oneDNN; None where the library has no kernel."""
        if self._padding_mode != "zeros" or self._data_format != "NCHW" or self.weight.dtype != paddle.float32:
            return None
        padding, stride, dilation = (_pair(value) for value in (self._padding, self._stride, self._dilation))
        if padding is None or stride is None or dilation is None:
            return None
        weight = tuple(self.weight.shape)
        bias = self.bias is not None
        geometry = Geometry(shape, weight, stride, padding, padding, dilation, self._groups, bias)
        try:
            return Convolution(geometry, self.weight, self.bias)
        except OneDNNError:
            return None


def _pair(value: object) -> tuple[int, int] | None:
    """Vertical and horizontal value; None for the other forms that paddle accepts, such as "same"."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(item, int) for item in value):
        return value[0], value[1]
    return None
