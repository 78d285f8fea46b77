"""The moving average of a backbone's weights (Polyak and Juditsky 1992); its buffers are those of the newest step."""

from __future__ import annotations

import copy

import torch
from torch import nn


def average_of(backbone: nn.Module) -> nn.Module:
    """A copy of the backbone in evaluation mode, whose weights no gradient changes."""
    return copy.deepcopy(backbone).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, backbone: nn.Module, decay: float) -> None:
    """Average = decay x average + (1 - decay) x backbone."""
    torch._foreach_lerp_(list(average.parameters()), [value.detach() for value in backbone.parameters()], 1 - decay)
    for held, value in zip(average.buffers(), backbone.buffers(), strict=True):
        held.copy_(value)
