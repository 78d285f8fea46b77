"""The optimisers of a run on paddle: groups, and their state in canonical form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import paddle

from facezoo.backends.paddle import state
from facezoo.canonical.leaf import Leaf
from facezoo.interfaces.optimizer import EPS, SLOTS, OptimizerSettings, single, state_name, steps_name

NATIVE = {"momentum": "velocity", "exp_avg": "moment1", "exp_avg_sq": "moment2"}  # slot -> paddle's name
Trained = Sequence[tuple[str, Leaf, paddle.Tensor]]  # canonical name with its module's prefix, description, parameter


class RunOptimizer:
    """One of paddle's optimisers over the trained tensors of backbone and head.

    Args:
        settings: which, and its settings.
        trained: the tensors it updates.
        rates: name of a tensor -> factor of its learning rate; 1 where none is given.
    """

    def __init__(self, settings: OptimizerSettings, trained: Trained, rates: Mapping[str, float] | None = None) -> None:
        self.settings = settings
        self.trained = trained
        self.native = create_native(settings, trained, rates or {})
        self._steps: dict[str, int] = {}  # paddle keeps powers of beta, which vanish after some thousand steps

    def step(self) -> None:
        """Update by the gradients that are there."""
        for name, _, value in self.trained:
            if value.grad is not None:
                self._steps[name] = self._steps.get(name, 0) + 1
        self.native.step()

    def clear_gradients(self) -> None:
        """Forget the gradients of the step before."""
        for _, _, value in self.trained:
            value.grad = None  # clear_gradient keeps its memory

    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""
        self.native.set_lr(single(value))

    def state(self) -> dict[str, np.ndarray]:
        """State tensors by ``state_name``, and step counts; empty before the first step."""
        found = {}
        for name, item, value in self.trained:
            if name not in self._steps:
                continue
            for slot in SLOTS[self.settings.name]:
                tensor = self.native._accumulators[NATIVE[slot]][value.name]
                found[state_name(self.settings.name, slot, name)] = state.read(item, tensor)
            if self.settings.name != "sgd":
                found[steps_name(name)] = np.array([self._steps[name]], np.int64)
        return found

    def load_state(self, values: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`state`."""
        block = paddle.static.default_main_program().global_block()
        self.native._create_accumulators(block, [value for _, _, value in self.trained])
        held = self.native._accumulators
        for name, item, value in self.trained:
            slots = {slot: state_name(self.settings.name, slot, name) for slot in SLOTS[self.settings.name]}
            if not all(stored in values for stored in slots.values()):
                continue
            for slot, stored in slots.items():
                state.write(item, held[NATIVE[slot]][value.name], values[stored])
            self._steps[name] = int(values[steps_name(name)].reshape(-1)[0]) if steps_name(name) in values else 1
            set_powers(held, value.name, self.settings, self._steps[name])


def set_powers(
    held: Mapping[str, Mapping[str, paddle.Tensor]], name: str, settings: OptimizerSettings, steps: int
) -> None:
    """Set the powers of beta that paddle keeps per tensor for AdamW and LAMB, as after a number of steps.

    Args:
        held: the optimiser's accumulators.
        name: paddle's name of the parameter.
        settings: of the optimiser.
        steps: how many were made.
    """
    for power, beta in (("beta1_pow_acc", settings.beta1), ("beta2_pow_acc", settings.beta2)):
        if power in held:
            tensor = held[power][name]
            values = np.full(tensor.shape, single(beta) ** (steps + 1), np.float64)
            tensor.set_value(values.astype(str(tensor.dtype).rpartition(".")[2]))


def create_native(
    settings: OptimizerSettings, trained: Trained, rates: Mapping[str, float] | None = None
) -> paddle.optimizer.Optimizer:
    """The framework's optimiser."""
    found: dict[tuple[bool, float], list[paddle.Tensor]] = {}
    for name, item, value in trained:
        found.setdefault((not item.decays, (rates or {}).get(name, 1.0)), []).append(value)
    groups: list[Any] = []
    for (undecayed, rate), values in sorted(found.items(), key=lambda entry: entry[0]):
        for value in values:
            value.optimize_attr["learning_rate"] = rate  # for LAMB, which takes no groups
        decay = 0.0 if undecayed else single(settings.weight_decay)
        groups.append({"params": values, "weight_decay": decay, "learning_rate": rate})
    if settings.name == "sgd":
        return paddle.optimizer.Momentum(
            0.0, momentum=single(settings.momentum), parameters=groups, use_nesterov=settings.nesterov
        )
    betas: dict[str, Any] = {"beta1": single(settings.beta1), "beta2": single(settings.beta2)}
    eps = single(EPS[settings.name] if settings.eps is None else settings.eps)
    if settings.name == "adamw":
        return paddle.optimizer.AdamW(0.0, **betas, epsilon=eps, parameters=groups)
    free = {value.name for group in groups if not group["weight_decay"] for value in group["params"]}
    return paddle.optimizer.Lamb(
        0.0, lamb_weight_decay=single(settings.weight_decay), **betas, epsilon=eps,
        parameters=[value for group in groups for value in group["params"]],
        exclude_from_weight_decay_fn=lambda value: value.name in free,
    )  # fmt: skip
