"""Multiply-adds of a backbone, counted on the meta device, where tensors have shapes but no values."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from facezoo.specs.base import BackboneSpec


def multiply_adds(spec: BackboneSpec) -> int:
    """Multiply-adds of convolutions, linear layers and attention products for one image.

    BN, activations, pooling, biases and resizing do not count.
    """
    from facezoo.backends.torch import build_backbone

    with torch.device("meta"), torch.no_grad():
        module = build_backbone(spec).eval().to("meta")  # .to moves buffers made from NumPy arrays
        images = torch.empty(1, spec.in_channels, *spec.input_size)
        with FlopCounterMode(display=False) as counter:
            module(images)
    return counter.get_total_flops() // 2  # a multiply-add is two operations
