"""Low-rank adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685) of linear layers and 1x1 convolutions."""

from __future__ import annotations

import copy
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.rng import generator


def _weight(layer: Any) -> paddle.Tensor:
    """W + scale x up @ down; a linear weight is stored transposed."""
    change = layer.lora_scale * (layer.lora_up @ layer.lora_down)
    if isinstance(layer, nn.Linear):
        return layer.weight + change.T
    return layer.weight + change.reshape(layer.weight.shape)


class AdaptedLinear(nn.Linear):
    """A linear layer whose weight has an adapter."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.linear(x, _weight(self), self.bias)


class AdaptedConv2D(nn.Conv2D):
    """A 1x1 convolution whose weight has an adapter."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        layer: Any = self  # paddle's type hints of the data format are those of all convolutions
        return F.conv2d(
            x, _weight(self), self.bias, self._stride, self._updated_padding, self._dilation, self._groups,
            layer._data_format,
        )  # fmt: skip


def adaptable(layer: nn.Layer) -> bool:
    """Whether the layer is linear, or a 1x1 convolution of one group."""
    if isinstance(layer, nn.Conv2D):
        return tuple(layer.weight.shape[2:]) == (1, 1) and layer._groups == 1
    return isinstance(layer, nn.Linear)


def add_adapters(backbone: nn.Layer, rank: int, alpha: float, patterns: list[str], seed: int) -> list[str]:
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
    for path, layer in backbone.named_sublayers():
        if not adaptable(layer) or not any(fnmatchcase(path, pattern) for pattern in patterns):
            continue
        module: Any = layer
        shape = module.weight.shape
        rows, columns = (shape[1], shape[0]) if isinstance(layer, nn.Linear) else (shape[0], shape[1])
        size = min(rank, rows, columns)
        values = generator(seed, "adapter", path).standard_normal((size, columns)) / np.sqrt(columns)
        for name, value in (("lora_down", values), ("lora_up", np.zeros((rows, size)))):
            parameter = module.create_parameter(list(value.shape), dtype=module.weight.dtype)
            parameter.set_value(paddle.to_tensor(value).astype(module.weight.dtype))
            module.add_parameter(name, parameter)
        module.lora_scale = alpha / rank
        module.lora_plain = type(layer)
        layer.__class__ = AdaptedConv2D if isinstance(layer, nn.Conv2D) else AdaptedLinear
        found.append(path)
    return found


def merged(backbone: nn.Layer) -> nn.Layer:
    """A copy of the backbone with plain layers, whose weights contain the adapters."""
    plain = copy.deepcopy(backbone)
    for layer in plain.sublayers():
        if isinstance(layer, AdaptedLinear | AdaptedConv2D):
            module: Any = layer
            with paddle.no_grad():
                module.weight.set_value(_weight(module))
            layer.__class__ = module.lora_plain
            del module._parameters["lora_down"], module._parameters["lora_up"]
            del module.lora_scale, module.lora_plain
    return plain
