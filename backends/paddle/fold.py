"""Fold batch norms into adjacent layers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle.backbones.repvgg import DeployedBlock, RepVGGBlock
from facezoo.backends.paddle.layers import NeckE
from facezoo.canonical import batchnorm as folding
from facezoo.canonical.batchnorm import Affine
from facezoo.interfaces.backbone import spec_of

NORM = nn.layer.norm._BatchNormBase
LAYERS = (nn.layer.conv._ConvNd, nn.Linear)
Foldable = nn.layer.conv._ConvNd | nn.Linear


def folded(module: nn.Layer) -> nn.Layer:
    """A copy in evaluation mode without the norms that can be folded exactly."""
    module = copy.deepcopy(module)
    module.eval()
    _deploy(module)
    for layer, norm in _pairs(module):
        _write(layer, *folding.behind(*_read(layer), affine(norm)))
        _replace(module, norm, nn.Identity())
    for neck in [layer for layer in module.sublayers() if isinstance(layer, NeckE)]:
        if isinstance(neck.bn, NORM):
            _write(neck.linear, *folding.before(*_read(neck.linear), affine(neck.bn)))
            _replace(neck, neck.bn, nn.Identity())
    return module


def difference(module: nn.Layer, other: nn.Layer) -> float:
    """Largest difference of two backbones' outputs on noise, relative to the largest output."""
    training = module.training
    images = _noise(module)
    module.eval()
    other.eval()
    with paddle.no_grad():
        first, second = module(images).numpy(), other(images).numpy()
    if training:
        module.train()
    return float(np.abs(first - second).max() / max(np.abs(first).max(), 1e-30))


def affine(norm: nn.layer.norm._BatchNormBase) -> Affine:
    """Scale and shift that a batch norm applies in evaluation mode."""
    weight, bias = (None if value is None else _numpy(value) for value in (norm.weight, norm.bias))
    return folding.affine(_numpy(norm._mean), _numpy(norm._variance), weight, bias, norm._epsilon)


def _deploy(module: nn.Layer) -> None:
    """Replace each RepVGG block by one convolution."""
    for block in [layer for layer in module.sublayers() if isinstance(layer, RepVGGBlock)]:
        conv = block.dense.conv
        plain = DeployedBlock(conv.weight.shape[1], conv.weight.shape[0], block.stride)
        point = (_numpy(block.point.conv.weight), affine(block.point.bn))
        identity = None if block.identity is None else affine(block.identity)
        _write(plain.conv, *folding.branches((_numpy(conv.weight), affine(block.dense.bn)), point, identity))
        _replace(module, block, plain)


def _pairs(module: nn.Layer) -> list[tuple[Foldable, nn.layer.norm._BatchNormBase]]:
    """(layer, norm) pairs where the norm's input is the layer's output, each used once."""
    given: list[tuple[Foldable, paddle.Tensor]] = []  # keeps the outputs alive, so that their ids stay unique
    taken: list[tuple[nn.layer.norm._BatchNormBase, paddle.Tensor]] = []
    handles: list[Any] = []

    def give(layer: Any, inputs: Any, output: Any) -> Any:
        given.append((layer, output))

    def take(norm: Any, inputs: Any) -> Any:
        taken.append((norm, inputs[0]))

    for layer in module.sublayers():
        if isinstance(layer, LAYERS):
            handles.append(layer.register_forward_post_hook(give))
        elif isinstance(layer, NORM):
            handles.append(layer.register_forward_pre_hook(take))
    with paddle.no_grad():
        module(_noise(module))
    for handle in handles:
        handle.remove()
    makers = {id(output): layer for layer, output in given}
    calls = [id(layer) for layer, _ in (*given, *taken)]
    pairs = [(makers[id(value)], norm) for norm, value in taken if id(value) in makers]
    return [pair for pair in pairs if calls.count(id(pair[0])) == calls.count(id(pair[1])) == 1]


def _noise(module: nn.Layer) -> paddle.Tensor:
    """Two noise images in the range of a network's input."""
    spec = spec_of(module)
    shape = (2, spec.in_channels, *spec.input_size)
    return paddle.to_tensor(np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))


def _numpy(value: paddle.Tensor) -> np.ndarray:
    return value.detach().numpy().astype(np.float64)


def _read(layer: Foldable) -> tuple[np.ndarray, np.ndarray | None]:
    weight = _numpy(layer.weight)
    return weight.T if isinstance(layer, nn.Linear) else weight, None if layer.bias is None else _numpy(layer.bias)


def _write(layer: Foldable, weight: np.ndarray, bias: np.ndarray) -> None:
    weight = weight.T if isinstance(layer, nn.Linear) else weight
    if layer.bias is None:
        layer.bias = layer.create_parameter([len(bias)], is_bias=True)
    with paddle.no_grad():
        layer.weight.set_value(np.ascontiguousarray(weight, dtype=np.float32))
        layer.bias.set_value(bias.astype(np.float32))


def _replace(module: nn.Layer, old: nn.Layer, new: nn.Layer) -> None:
    for parent in module.sublayers(include_self=True):
        for name, child in parent._sub_layers.items():
            if child is old:
                parent._sub_layers[name] = new
