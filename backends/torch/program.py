"""Programs for the CPU: batch norms folded, channels last, traced to a frozen graph."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from facezoo.backends.torch.fold import folded

SAMPLES = 64  # values per tensor that are watched
Program = Callable[[torch.Tensor], torch.Tensor]


def make_program(module: nn.Module, x: torch.Tensor) -> Program:
    """A function that holds a copy of a backbone with its current weights.

    Args:
        module: a backbone of the zoo in evaluation mode, on the CPU; not changed.
        x: two or more images (N, C, H, W), for tracing.

    Raises:
        RuntimeError: torch cannot trace the module.
    """
    plain: Any = folded(_without_gradients(module))
    plain.to(memory_format=torch.channels_last)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's, about shapes that it takes as constants; results are compared
        traced = torch.jit.trace(plain, x.contiguous(memory_format=torch.channels_last), check_trace=False)
        program: Program = torch.jit.freeze(traced.eval())
    return program


def _without_gradients(module: nn.Module) -> nn.Module:
    """A copy whose parameters have no gradients, which would double its memory."""
    kept = [(value, value.grad) for value in module.parameters()]
    for value, _ in kept:
        value.grad = None
    try:
        return copy.deepcopy(module).eval()
    finally:
        for value, gradient in kept:
            value.grad = gradient


def watched_by_hooks(module: nn.Module) -> bool:
    """Whether someone's hooks expect to be called at each forward."""
    return any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())


class Watch:
    """Whether a module's weights are those of the last call: by version, address, and a few values of each tensor."""

    def __init__(self, module: nn.Module) -> None:
        self._tensors = [*module.parameters(), *module.buffers()]
        self._places: list[int] = []
        self._views: list[torch.Tensor] = []
        self._last: Any = None

    def changed(self) -> bool:
        """Whether a weight has changed since the last call; True for the first."""
        places = [value.data_ptr() for value in self._tensors]
        if places != self._places:
            self._places, self._views = places, [_sample(value) for value in self._tensors if _has_values(value)]
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm(self._views)).numpy().tobytes() if self._views else b""
        now = (sum(value._version for value in self._tensors), places, norms)
        before, self._last = self._last, now
        return now != before


def _has_values(value: torch.Tensor) -> bool:
    return value.is_floating_point() and value.numel() > 0


def _sample(value: torch.Tensor) -> torch.Tensor:
    """Values spread over a tensor, as a view of its memory."""
    count = value.numel()
    return value.detach().as_strided((min(SAMPLES, count),), (max(count // SAMPLES, 1),))
