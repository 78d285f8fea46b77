"""Batch norm over the images of all processes."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import nn

from facezoo.backends.torch.distributed import sum_of_all


class SyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with mean and variance over all processes, for devices that torch's own does not support.

    Input (N, C) or (N, C, H, W) float; N may differ between the processes. Mean and variance are computed in two
    passes, each with one all-reduce of C values.
    """

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.ndim not in (2, 4):
            raise ValueError(f"batch norm got {input.ndim} dimensions; expected (N, C) or (N, C, H, W)")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self._check_input_dim(input)
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        axes = [0, *range(2, input.ndim)]
        shape = [1, -1] + [1] * (input.ndim - 2)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        count = torch.tensor(float(x.numel() // x.shape[1]), dtype=x.dtype, device=x.device)
        dist.all_reduce(count)
        mean = sum_of_all(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = sum_of_all((centred * centred).sum(axes)) / count
        with torch.no_grad():
            weight = 0.0 if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), weight)
            unbiased = variance * count / (count - 1)
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), weight)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        y = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(input.dtype)


def synchronise_batch_norm(network: nn.Module, device: torch.device) -> None:
    """Replace each batch norm inside a network by one over all processes, with the same parameters and buffers."""
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.modules.batchnorm._BatchNorm) and not isinstance(layer, SyncBatchNorm):
                other = SyncBatchNorm(layer.num_features, layer.eps, layer.momentum, layer.affine)
                other._parameters, other._buffers = layer._parameters, layer._buffers
                other.training = layer.training
                setattr(parent, name, other)
