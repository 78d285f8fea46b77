"""What the conformance suite checks of a network: outline, settings of layers, modes, one training step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import state
from facezoo.specs.base import BackboneSpec

POOLS = (nn.MaxPool2d, nn.AvgPool2d)


def outline(spec: BackboneSpec) -> nn.Module:
    """The network with shapes only: no memory, no initial values."""
    from facezoo.backends.torch import build_backbone

    with torch.device("meta"):
        return build_backbone(spec)


def settings(module: nn.Module) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, type, hyper-parameters in torch's meaning) of every layer, in the order of definition."""
    return [(path, type(layer).__name__.lower(), _settings(layer)) for path, layer in module.named_modules()]


def _settings(layer: nn.Module) -> dict[str, Any]:
    kind = state.layer_type(layer)
    if kind == "conv":
        names = ("stride", "padding", "dilation", "groups")
        return {**{name: getattr(layer, name) for name in names}, "bias": layer.bias is not None}
    if kind == "batch_norm":
        return {"eps": layer.eps, "momentum": layer.momentum, "affine": layer.weight is not None}
    if kind == "prelu":  # its only setting, the number of slopes, is in the inventory
        return {}
    if kind == "layer_norm":
        return {"eps": layer.eps}
    if isinstance(layer, nn.Dropout):
        return {"p": layer.p}
    if isinstance(layer, nn.ZeroPad2d):
        return {"padding": tuple(layer.padding)}
    if isinstance(layer, POOLS):
        found = {name: _pair(getattr(layer, name)) for name in ("kernel_size", "stride", "padding")}
        return {**found, "ceil": layer.ceil_mode, "counts_padding": getattr(layer, "count_include_pad", None)}
    if type(layer).__module__.startswith("torch."):
        return {}
    return {name: value for name, value in vars(layer).items() if _plain(name, value)}


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def _plain(name: str, value: Any) -> bool:
    """Whether an attribute of one of our own layers is a setting."""
    own = name != "training" and not name.startswith("_")
    return own and isinstance(value, bool | int | float | str | tuple) and not hasattr(value, "__dict__")


def modes(module: nn.Module) -> list[bool]:
    """Whether each layer is in training mode."""
    return [layer.training for layer in module.modules()]


def hidden(module: nn.Module) -> list[str]:
    """Layers in plain lists or dictionaries, which ``eval()`` and the state do not include."""
    found = []
    for path, layer in module.named_modules():
        for name, value in vars(layer).items():
            inside = value.values() if isinstance(value, dict) else value
            if not name.startswith("_") and isinstance(value, list | tuple | dict):
                found += [f"{path}.{name}" for item in inside if isinstance(item, nn.Module)]
    return found


def widen(module: nn.Module) -> nn.Module:
    """The same network in float64."""
    return module.double()


def embed(module: nn.Module, images: np.ndarray) -> np.ndarray:
    """Embeddings (N, E) in evaluation mode."""
    module.eval()
    with torch.no_grad():
        return module(torch.from_numpy(images)).numpy()


def backward(module: nn.Module, images: np.ndarray, cotangent: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients by canonical name of the sum of ``embeddings * cotangent``, in training mode."""
    module.train()
    output = module(torch.from_numpy(images))  # (N, E)
    (output * torch.from_numpy(cotangent)).sum().backward()
    return dict(state.gradients(module))


def step(module: nn.Module, rate: float) -> None:
    """One step of SGD with momentum and weight decay along the gradients of :func:`backward`."""
    trained = [value for value in module.parameters() if value.requires_grad]
    torch.optim.SGD(trained, lr=rate, momentum=0.9, weight_decay=5e-4).step()
