"""Convolution that is fast on a CPU where torch's own bfloat16 is not."""

from __future__ import annotations

import torch
from torch import nn


class Conv2d(nn.Conv2d):
    """``nn.Conv2d``; while training in bfloat16 on a CPU, a depthwise one with a stride computes in float32.

    The gradient of its input has no fast bfloat16 kernel there: it takes three to thirty times as long, and three such
    layers were a quarter of MobileFaceNet's training step.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        slow = self.groups == self.in_channels > 1 and self.stride != (1, 1) and x.device.type == "cpu"
        if not slow or not torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled():
            return super().forward(x)
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)
