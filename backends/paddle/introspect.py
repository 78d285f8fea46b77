"""What the conformance suite checks of a network: outline, settings of layers, modes, one training step."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle import state
from facezoo.specs.base import BackboneSpec

POOLS = (nn.MaxPool2D, nn.AvgPool2D)


def outline(spec: BackboneSpec) -> nn.Layer:
    """The network with shapes only: no memory, no initial values."""
    from facezoo.backends.paddle import build_backbone

    with paddle.LazyGuard():
        return build_backbone(spec)


def settings(module: nn.Layer) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, type, hyper-parameters in torch's meaning) of every layer, in the order of definition."""
    layers = module.named_sublayers(include_self=True)
    return [(path, _type(layer), _settings(layer)) for path, layer in layers]


def _type(layer: nn.Layer) -> str:
    return "modulelist" if isinstance(layer, nn.LayerList) else type(layer).__name__.lower()


def _settings(layer: nn.Layer) -> dict[str, Any]:
    kind = state.layer_type(layer)
    if kind == "conv":
        found = {name: _pair(getattr(layer, f"_{name}")) for name in ("stride", "padding", "dilation")}
        return {**found, "groups": layer._groups, "bias": layer.bias is not None}
    if kind == "batch_norm":
        affine = layer.weight is not None
        return {"eps": layer._epsilon, "momentum": round(1 - layer._momentum, 12), "affine": affine}
    if kind == "prelu":  # its only setting, the number of slopes, is in the inventory
        return {}
    if kind == "layer_norm":
        return {"eps": layer._epsilon}
    if isinstance(layer, nn.Dropout):
        return {"p": layer.p}
    if isinstance(layer, nn.ZeroPad2D):
        return {"padding": tuple(layer.padding)}
    if isinstance(layer, POOLS):
        sizes: dict[str, Any] = {"kernel_size": layer.ksize, "stride": layer.stride, "padding": layer.padding}
        counts = not layer.exclusive if hasattr(layer, "exclusive") else None
        return {
            **{name: _pair(value) for name, value in sizes.items()},
            "ceil": layer.ceil_mode,
            "counts_padding": counts,
        }
    if type(layer).__module__.startswith("paddle."):
        return {}
    return {name: value for name, value in vars(layer).items() if _plain(name, value)}


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def _plain(name: str, value: Any) -> bool:
    """Whether an attribute of one of our own layers is a setting."""
    own = name != "training" and not name.startswith("_")
    return own and isinstance(value, bool | int | float | str | tuple) and not hasattr(value, "__dict__")


def modes(module: nn.Layer) -> list[bool]:
    """Whether each layer is in training mode."""
    return [layer.training for layer in module.sublayers(include_self=True)]


def hidden(module: nn.Layer) -> list[str]:
    """Layers in plain lists or dictionaries, which ``eval()`` and the state do not include."""
    found = []
    for path, layer in module.named_sublayers(include_self=True):
        for name, value in vars(layer).items():
            inside = value.values() if isinstance(value, dict) else value
            if not name.startswith("_") and isinstance(value, list | tuple | dict):
                found += [f"{path}.{name}" for item in inside if isinstance(item, nn.Layer)]
    return found


def widen(module: nn.Layer) -> nn.Layer:
    """The same network in float64."""
    return module._to_impl(dtype="float64", floating_only=True)  # public methods also cast integer buffers


def embed(module: nn.Layer, images: np.ndarray) -> np.ndarray:
    """Embeddings (N, E) in evaluation mode."""
    module.eval()
    with paddle.no_grad():
        return module(paddle.to_tensor(images)).numpy()


def backward(module: nn.Layer, images: np.ndarray, cotangent: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients by canonical name of the sum of ``embeddings * cotangent``, in training mode."""
    module.train()
    output = module(paddle.to_tensor(images))  # (N, E)
    (output * paddle.to_tensor(cotangent)).sum().backward()
    return dict(state.gradients(module))


def step(module: nn.Layer, rate: float) -> None:
    """One step of SGD with momentum and weight decay along the gradients of :func:`backward`."""
    trained = [value for value in module.parameters() if not value.stop_gradient]
    paddle.optimizer.Momentum(rate, momentum=0.9, parameters=trained, weight_decay=5e-4).step()
