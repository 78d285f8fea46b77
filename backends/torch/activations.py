"""Memory of the activations that a backbone keeps for the backward pass."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.specs.base import BackboneSpec


def saved_bytes(module: nn.Module, spec: BackboneSpec, precision: str) -> float:
    """Bytes for each image of a batch, from one forward pass of two images on the CPU.

    Args:
        module: the backbone, on the CPU.
        spec: its description.
        precision: "float32", "float16", "bfloat16" or "float64".
    """
    parameters = {value.untyped_storage().data_ptr() for value in module.parameters()}
    found: dict[int, int] = {}

    def pack(value: torch.Tensor) -> torch.Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in parameters:
            found[storage.data_ptr()] = storage.nbytes()
        return value

    half = precision in ("float16", "bfloat16")
    module = module.double() if precision == "float64" else module
    images = torch.zeros(2, spec.in_channels, *spec.input_size, dtype=next(module.parameters()).dtype)
    module.train()
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value),
        torch.autocast("cpu", torch.bfloat16, enabled=half),
    ):
        module(images)
    return sum(found.values()) / len(images)
