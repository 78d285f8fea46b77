"""State of a module in canonical names and layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn

from facezoo.canonical.leaf import COUNTERS, Leaf, leaf

LAYERS: tuple[tuple[type, str], ...] = (
    (nn.modules.conv._ConvNd, "conv"),
    (nn.Linear, "linear"),
    (nn.modules.batchnorm._BatchNorm, "batch_norm"),
    (nn.LayerNorm, "layer_norm"),
    (nn.PReLU, "prelu"),
)


def layer_type(layer: nn.Module) -> str:
    """The type that decides names, layouts and initial values; "own" for composite modules."""
    return next((name for kind, name in LAYERS if isinstance(layer, kind)), "own")


def leaves(module: nn.Module) -> Iterator[tuple[Leaf, torch.Tensor]]:
    """Each tensor of the state with its canonical description, in the order of definition."""
    for path, layer in module.named_modules():
        kind = layer_type(layer)
        for name, value in layer._parameters.items():
            if value is not None:
                yield leaf("torch", path, kind, name, tuple(value.shape), value.requires_grad), value
        for name, value in layer._buffers.items():
            if value is not None and name not in COUNTERS and name not in layer._non_persistent_buffers_set:
                yield leaf("torch", path, kind, name, tuple(value.shape), False), value


def read(item: Leaf, value: torch.Tensor) -> np.ndarray:
    """A copy as a canonical array; bfloat16 becomes float32."""
    value = value.detach().cpu()
    value = value.float() if value.dtype == torch.bfloat16 else value.clone()
    return np.array(value.numpy(), order="C")  # ascontiguousarray would add a dimension to a scalar


def write(item: Leaf, value: torch.Tensor, array: np.ndarray) -> None:
    """Put a canonical array into a native tensor, keeping its dtype and device."""
    with torch.no_grad():
        value.copy_(torch.from_numpy(np.array(array, copy=True, order="C")).reshape(value.shape))


def gradients(module: nn.Module) -> Mapping[str, np.ndarray]:
    """Gradients of the trained tensors after a backward pass, canonical."""
    return {
        item.name: read(item, value.grad) for item, value in leaves(module) if item.trained and value.grad is not None
    }
