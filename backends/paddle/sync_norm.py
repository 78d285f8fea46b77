"""Batch norm over the images of all processes."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.distributed as dist
from paddle import nn

from facezoo.backends.paddle import norm
from facezoo.backends.paddle.distributed import sum_of_all


class SyncBatchNorm(nn.layer.norm._BatchNormBase):
    """Batch norm with mean and variance over all processes, for devices that paddle's own does not support.

    Input (N, C) or (N, C, H, W) float; N may differ between the processes. Mean and variance are computed in two
    passes, each with one all-reduce of C values. Parameters and buffers are those of ``like``.
    """

    def __init__(self, like: nn.layer.norm._BatchNormBase) -> None:
        super().__init__(like._mean.shape[0], momentum=like._momentum, epsilon=like._epsilon)
        self._parameters, self._buffers = like._parameters, like._buffers
        self.weight, self.bias = like.weight, like.bias
        self._mean, self._variance = like._mean, like._variance
        self.training = like.training
        self._like = [like]  # in a list, so that it is no layer of this one

    def forward(self, input: paddle.Tensor) -> paddle.Tensor:
        if not self.training:
            self._like[0].training = False
            return self._like[0](input)
        axes = [0, *range(2, input.ndim)]
        shape = [1, -1] + [1] * (input.ndim - 2)
        x = input.astype("float32") if input.dtype in (paddle.float16, paddle.bfloat16) else input
        count = paddle.to_tensor([float(x.size // x.shape[1])], dtype=x.dtype)
        dist.all_reduce(count)
        mean = sum_of_all(x.sum(axis=axes)) / count
        centred = x - mean.reshape(shape)
        variance = sum_of_all((centred * centred).sum(axis=axes)) / count
        if not norm._BatchNorm.frozen:
            with paddle.no_grad():
                unbiased = variance * count / (count - 1)
                momentum = float(np.float32(self._momentum))  # as in paddle's kernel
                for held, value in ((self._mean, mean), (self._variance, unbiased)):
                    held.set_value(momentum * held + (1 - momentum) * value.astype(held.dtype))
        y = centred * paddle.rsqrt(variance + float(np.float32(self._epsilon))).reshape(shape)
        if self.weight is not None:
            y = y * self.weight.reshape(shape)
        if self.bias is not None:
            y = y + self.bias.reshape(shape)
        return y.astype(input.dtype)


def synchronise_batch_norm(network: nn.Layer, device: str) -> None:
    """Replace each batch norm inside a network by one over all processes, with the same parameters and buffers."""
    for parent in network.sublayers(include_self=True):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.layer.norm._BatchNormBase) and not isinstance(layer, SyncBatchNorm):
                setattr(parent, name, SyncBatchNorm(layer))
