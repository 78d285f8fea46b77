"""Low-rank adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685) of linear layers and 1x1 convolutions."""

from __future__ import annotations

import copy
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from facezoo.rng import generator


def _weight(layer: Any) -> torch.Tensor:
    """W + scale x up @ down."""
    return layer.weight + layer.lora_scale * (layer.lora_up @ layer.lora_down).reshape(layer.weight.shape)


class AdaptedLinear(nn.Linear):
    """A linear layer whose weight has an adapter."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, _weight(self), self.bias)


class AdaptedConv2d(nn.Conv2d):
    """A 1x1 convolution whose weight has an adapter."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(x, _weight(self), self.bias)


def adaptable(layer: nn.Module) -> bool:
    """Whether the layer is linear, or a 1x1 convolution of one group."""
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1
    return isinstance(layer, nn.Linear)


def add_adapters(backbone: nn.Module, rank: int, alpha: float, patterns: list[str], seed: int) -> list[str]:
    """Give an adapter to each linear layer and 1x1 convolution whose name matches; the outputs stay the same.

    ``lora_down`` (rank, in) is drawn, normal with variance 1 / in; ``lora_up`` (out, rank) is zero. A layer whose
    smaller side is below the rank gets that side as rank.

    Args:
        backbone: the network, which is changed.
        rank: of the adapters, 1 or more.
        alpha: an adapter counts alpha / rank.
        patterns: of layer names.
        seed: of the initial values.

    Returns:
        The names of the layers.
    """
    found = []
    for path, layer in backbone.named_modules():
        if not adaptable(layer) or not any(fnmatchcase(path, pattern) for pattern in patterns):
            continue
        module: Any = layer
        rows, columns = module.weight.shape[0], module.weight.shape[1]
        size = min(rank, rows, columns)
        values = generator(seed, "adapter", path).standard_normal((size, columns)) / np.sqrt(columns)
        module.lora_down = nn.Parameter(torch.from_numpy(values).to(module.weight))
        module.lora_up = nn.Parameter(module.weight.new_zeros(rows, size))
        module.lora_scale = alpha / rank
        module.lora_plain = type(layer)
        layer.__class__ = AdaptedConv2d if isinstance(layer, nn.Conv2d) else AdaptedLinear
        found.append(path)
    return found


def has_adapters(backbone: nn.Module) -> bool:
    """Whether a layer of the backbone has an adapter."""
    return any(isinstance(layer, AdaptedLinear | AdaptedConv2d) for layer in backbone.modules())


def merged(backbone: nn.Module) -> nn.Module:
    """A copy of the backbone with plain layers, whose weights contain the adapters."""
    plain = copy.deepcopy(backbone)
    for layer in plain.modules():
        if isinstance(layer, AdaptedLinear | AdaptedConv2d):
            module: Any = layer
            with torch.no_grad():
                module.weight.copy_(_weight(module))
            layer.__class__ = module.lora_plain
            del module.lora_down, module.lora_up, module.lora_scale, module.lora_plain
    return plain
