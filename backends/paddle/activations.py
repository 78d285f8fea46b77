"""Memory of the activations that a backbone keeps for the backward pass."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.specs.base import BackboneSpec


def saved_bytes(module: nn.Layer, spec: BackboneSpec, precision: str) -> float:
    """Bytes for each image of a batch, from one forward pass of two images on the CPU.

    The pass is made in float64, where paddle keeps every tensor itself, and its bytes are scaled to the precision.

    Args:
        module: the backbone, on the CPU; it is float64 afterwards.
        spec: its description.
        precision: "float32", "float16", "bfloat16" or "float64".
    """
    module.to(dtype="float64")
    parameters = {value.data_ptr() for value in module.parameters()}
    found: dict[int, int] = {}

    def pack(value: paddle.Tensor) -> paddle.Tensor:
        if value.data_ptr() not in parameters:
            found[value.data_ptr()] = value.size * value.element_size()
        return value

    images = paddle.zeros([2, spec.in_channels, *spec.input_size], dtype="float64")
    module.train()
    with paddle.autograd.saved_tensors_hooks(pack, lambda value: value):
        module(images)
    return sum(found.values()) / len(images) / {"float64": 1, "float32": 2}.get(precision, 4)
