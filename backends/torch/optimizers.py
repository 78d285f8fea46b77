"""The optimisers of a run on torch: groups, and their state in canonical form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from facezoo.backends.torch import state
from facezoo.backends.torch.lamb import Lamb
from facezoo.canonical.leaf import Leaf
from facezoo.interfaces.optimizer import EPS, SLOTS, OptimizerSettings, single, state_name, steps_name

NATIVE = {"momentum": "momentum_buffer"}  # slot -> torch's name, where it is another
Trained = Sequence[tuple[str, Leaf, torch.Tensor]]  # canonical name with its module's prefix, description, parameter


class RunOptimizer:
    """One of torch's optimisers over the trained tensors of backbone and head.

    Args:
        settings: which, and its settings.
        trained: the tensors it updates.
        rates: name of a tensor -> factor of its learning rate; 1 where none is given.
    """

    def __init__(self, settings: OptimizerSettings, trained: Trained, rates: Mapping[str, float] | None = None) -> None:
        self.settings = settings
        self.trained = trained
        self.native = create_native(settings, trained, rates or {})

    def step(self) -> None:
        """Update by the gradients that are there."""
        self.native.step()

    def clear_gradients(self) -> None:
        """Forget the gradients of the step before."""
        self.native.zero_grad(set_to_none=True)

    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""
        for group in self.native.param_groups:
            group["lr"] = single(single(value) * group["rate"])

    def state(self) -> dict[str, np.ndarray]:
        """State tensors by ``state_name``, and step counts; empty before the first step."""
        found = {}
        for name, item, value in self.trained:
            held = self.native.state.get(value, {})
            for slot in SLOTS[self.settings.name]:
                tensor = held.get(NATIVE.get(slot, slot))
                if tensor is not None:
                    found[state_name(self.settings.name, slot, name)] = state.read(item, tensor)
            if held.get("step") is not None:
                found[steps_name(name)] = np.array([int(held["step"])], np.int64)
        return found

    def load_state(self, values: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`state`."""
        for name, item, value in self.trained:
            for slot in SLOTS[self.settings.name]:
                stored = values.get(state_name(self.settings.name, slot, name))
                if stored is not None:
                    buffer = torch.empty_like(value, memory_format=torch.preserve_format)
                    state.write(item, buffer, stored)
                    self.native.state[value][NATIVE.get(slot, slot)] = buffer
            if steps_name(name) in values:
                count = int(values[steps_name(name)].reshape(-1)[0])
                self.native.state[value]["step"] = steps_tensor(self.settings, count, value)


def steps_tensor(settings: OptimizerSettings, count: int, value: torch.Tensor) -> torch.Tensor:
    """The number of updates of a parameter as its optimiser keeps it: fused AdamW on the device, LAMB on the host."""
    device = value.device if settings.name == "adamw" else torch.device("cpu")
    return torch.tensor(float(count), dtype=torch.float32, device=device)


def create_native(
    settings: OptimizerSettings, trained: Trained, rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """The framework's optimiser, in its fused form: no copies of gradients for weight decay and momentum."""
    found: dict[tuple[bool, float], list[torch.Tensor]] = {}
    for name, item, value in trained:
        found.setdefault((not item.decays, (rates or {}).get(name, 1.0)), []).append(value)
    groups: list[dict[str, Any]] = [
        {"params": values, "weight_decay": 0.0 if free else single(settings.weight_decay), "rate": rate}
        for (free, rate), values in sorted(found.items(), key=lambda entry: entry[0])
    ]
    if settings.name == "sgd":
        return torch.optim.SGD(
            groups, lr=0.0, momentum=single(settings.momentum), nesterov=settings.nesterov, fused=True
        )
    betas = (single(settings.beta1), single(settings.beta2))
    eps = single(EPS[settings.name] if settings.eps is None else settings.eps)
    if settings.name == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=eps, fused=True)
    return Lamb(groups, lr=0.0, betas=betas, eps=eps)
