"""State of a module in canonical names and layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import paddle
from paddle import nn

from facezoo.canonical.leaf import COUNTERS, Leaf, leaf

LAYERS: tuple[tuple[type, str], ...] = (
    (nn.layer.conv._ConvNd, "conv"),
    (nn.Linear, "linear"),
    (nn.layer.norm._BatchNormBase, "batch_norm"),
    (nn.LayerNorm, "layer_norm"),
    (nn.PReLU, "prelu"),
)


def layer_type(layer: nn.Layer) -> str:
    """The type that decides names, layouts and initial values; "own" for composite modules."""
    return next((name for kind, name in LAYERS if isinstance(layer, kind)), "own")


def leaves(module: nn.Layer) -> Iterator[tuple[Leaf, paddle.Tensor]]:
    """Each tensor of the state with its canonical description, in the order of definition."""
    for path, layer in module.named_sublayers(include_self=True):
        kind = layer_type(layer)
        statistics = ("_mean", "_variance") if kind == "batch_norm" else ()
        for name, value in layer._parameters.items():
            if value is not None and name not in statistics:
                yield leaf("paddle", path, kind, name, tuple(value.shape), not value.stop_gradient), value
        for name in statistics:
            value = getattr(layer, name)
            yield leaf("paddle", path, kind, name, tuple(value.shape), False), value
        for name, value in layer._buffers.items():
            if value is None or name in (*statistics, *COUNTERS):
                continue
            if name not in layer._non_persistable_buffer_names_set:
                yield leaf("paddle", path, kind, name, tuple(value.shape), False), value


def read(item: Leaf, value: paddle.Tensor) -> np.ndarray:
    """A copy as a canonical array; bfloat16 becomes float32."""
    value = value.detach()
    array = (value.astype("float32") if value.dtype == paddle.bfloat16 else value).numpy()
    return np.array(array.T if item.transposed else array, order="C", copy=True)


def write(item: Leaf, value: paddle.Tensor, array: np.ndarray) -> None:
    """Put a canonical array into a native tensor, keeping its dtype and device."""
    array = array.T if item.transposed else array
    with paddle.no_grad():
        tensor = paddle.to_tensor(np.array(array, order="C", copy=True))
        value.set_value(tensor.astype(value.dtype).reshape(value.shape))


def gradients(module: nn.Layer) -> Mapping[str, np.ndarray]:
    """Gradients of the trained tensors after a backward pass, canonical."""
    return {
        item.name: read(item, value.grad) for item, value in leaves(module) if item.trained and value.grad is not None
    }
