"""Parts of a backbone that do not learn: frozen tensors, and batch norms that keep their statistics."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from facezoo.backends.torch import state


def freeze(backbone: nn.Module, rates: Mapping[str, float]) -> list[torch.Tensor]:
    """Freeze the tensors whose factor of the learning rate is 0, and return them.

    Args:
        backbone: the network.
        rates: canonical name with "backbone." before it -> factor.
    """
    found = []
    for item, value in state.leaves(backbone):
        if item.trained and rates.get(f"backbone.{item.name}") == 0:
            value.requires_grad_(False)
            found.append(value)
    return found


def still_norms(backbone: nn.Module, rates: Mapping[str, float], every: bool) -> list[nn.Module]:
    """The batch norms that stay in evaluation mode: all, or those of frozen parts."""
    return [
        layer for path, layer in backbone.named_modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm)
        and (every or rates.get(f"backbone.{path}.running_mean") == 0)
    ]  # fmt: skip
