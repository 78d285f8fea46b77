"""PReLU with a backward pass that is fast on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class PReLU(nn.PReLU):
    """One slope per channel, initially 0.25.

    torch's own backward kernel branches at every value on a CPU and takes most of a small network's training step; the
    same numbers from vectorised operations take a fifth of the time. Everywhere else (inference, other devices, tracing
    and compilation) this is torch's operator.

    Args:
        num_parameters: channels.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.fx.Proxy):  # symbolic tracing: nothing is known of the device
            return F.prelu(x, self.weight)
        written_out = x.device.type == "cpu" and torch.is_grad_enabled()
        if not written_out or torch.compiler.is_compiling() or torch.jit.is_tracing():
            return F.prelu(x, self.weight)
        return _PReLU.apply(x, self.weight.to(x.dtype))


class _PReLU(torch.autograd.Function):
    """``max(x, 0) + slope * min(x, 0)`` over (N, C, ...)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, slope)
        return F.prelu(x, slope)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        (gradient,) = gradients
        x, slope = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(gradient, x, 0)  # where x > 0; `where` itself is not vectorised
        below = gradient - above
        over_channels = slope.reshape(1, -1, *[1] * (x.ndim - 2))
        slopes = (below * x).sum([axis for axis in range(x.ndim) if axis != 1])
        return above.add_(below * over_channels), slopes
