"""Fold batch norms into adjacent layers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.backbones.repvgg import DeployedBlock, RepVGGBlock
from facezoo.backends.torch.layers import NeckE
from facezoo.canonical import batchnorm as folding
from facezoo.canonical.batchnorm import Affine
from facezoo.interfaces.backbone import spec_of

NORM = nn.modules.batchnorm._BatchNorm
LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
Foldable = nn.modules.conv._ConvNd | nn.Linear


def folded(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode without the norms that can be folded exactly."""
    module = copy.deepcopy(module).eval()
    _deploy(module)
    for layer, norm in _pairs(module):
        _write(layer, *folding.behind(*_read(layer), affine(norm)))
        _replace(module, norm, nn.Identity())
    for neck in [layer for layer in module.modules() if isinstance(layer, NeckE)]:
        if isinstance(neck.bn, NORM):
            _write(neck.linear, *folding.before(*_read(neck.linear), affine(neck.bn)))
            _replace(neck, neck.bn, nn.Identity())
    return module


def difference(module: nn.Module, other: nn.Module) -> float:
    """Largest difference of two backbones' outputs on noise, relative to the largest output."""
    training = module.training
    images = _noise(module)
    with torch.no_grad():
        first, second = module.eval()(images), other.eval()(images)
    module.train(training)
    return float((first - second).abs().max() / first.abs().max().clamp_min(1e-30))


def affine(norm: nn.modules.batchnorm._BatchNorm) -> Affine:
    """Scale and shift that a batch norm applies in evaluation mode."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    weight, bias = (None if value is None else _numpy(value) for value in (norm.weight, norm.bias))
    return folding.affine(_numpy(norm.running_mean), _numpy(norm.running_var), weight, bias, norm.eps)


def _deploy(module: nn.Module) -> None:
    """Replace each RepVGG block by one convolution."""
    for block in [layer for layer in module.modules() if isinstance(layer, RepVGGBlock)]:
        conv = block.dense.conv
        plain = DeployedBlock(conv.weight.shape[1], conv.weight.shape[0], block.stride)
        point = (_numpy(block.point.conv.weight), affine(block.point.bn))
        identity = None if block.identity is None else affine(block.identity)
        plain.to(conv.weight.device)
        _write(plain.conv, *folding.branches((_numpy(conv.weight), affine(block.dense.bn)), point, identity))
        _replace(module, block, plain)


def _pairs(module: nn.Module) -> list[tuple[Foldable, nn.modules.batchnorm._BatchNorm]]:
    """(layer, norm) pairs where the norm's input is the layer's output, each used once."""
    given: list[tuple[Foldable, torch.Tensor]] = []  # keeps the outputs alive, so that their ids stay unique
    taken: list[tuple[nn.modules.batchnorm._BatchNorm, torch.Tensor]] = []
    handles: list[Any] = []

    def give(layer: Any, inputs: Any, output: Any) -> Any:
        given.append((layer, output))

    def take(norm: Any, inputs: Any) -> Any:
        taken.append((norm, inputs[0]))

    for layer in module.modules():
        if isinstance(layer, LAYERS):
            handles.append(layer.register_forward_hook(give))
        elif isinstance(layer, NORM):
            handles.append(layer.register_forward_pre_hook(take))
    with torch.no_grad():
        module(_noise(module))
    for handle in handles:
        handle.remove()
    makers = {id(output): layer for layer, output in given}
    calls = [id(layer) for layer, _ in (*given, *taken)]
    pairs = [(makers[id(value)], norm) for norm, value in taken if id(value) in makers]
    return [pair for pair in pairs if calls.count(id(pair[0])) == calls.count(id(pair[1])) == 1]


def _noise(module: nn.Module) -> torch.Tensor:
    """Two noise images in the range of a network's input."""
    spec = spec_of(module)
    shape = (2, spec.in_channels, *spec.input_size)
    images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    return torch.from_numpy(images).to(next(module.parameters()).device)


def _numpy(value: torch.Tensor) -> np.ndarray:
    return value.detach().cpu().double().numpy()


def _read(layer: Foldable) -> tuple[np.ndarray, np.ndarray | None]:
    return _numpy(layer.weight), None if layer.bias is None else _numpy(layer.bias)


def _write(layer: Foldable, weight: np.ndarray, bias: np.ndarray) -> None:
    like = layer.weight
    with torch.no_grad():
        like.copy_(torch.from_numpy(weight))
    layer.bias = nn.Parameter(torch.from_numpy(bias).to(like.dtype).to(like.device))


def _replace(module: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for parent in module.modules():
        for name, child in parent._modules.items():
            if child is old:
                parent._modules[name] = new
