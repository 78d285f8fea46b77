"""Convolution with a fast path for bfloat16 training on a CPU."""

from __future__ import annotations

import torch
from torch import nn


class Conv2d(nn.Conv2d):
    """``nn.Conv2d``; a strided depthwise one computes in float32 when training in bfloat16 on a CPU.

    The gradient of its input has no fast bfloat16 kernel there: it takes 3 to 30 times as long, and three such layers
    took a quarter of MobileFaceNet's training step.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.fx.Proxy):  # symbolic tracing: nothing is known of the device
            return super().forward(x)
        slow = self.groups == self.in_channels > 1 and self.stride != (1, 1) and x.device.type == "cpu"
        if not slow or not torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled():
            return super().forward(x)
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)
