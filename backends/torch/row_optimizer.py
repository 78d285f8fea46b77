"""The optimiser of tables of which a step updates some rows only, as the class weights under Partial FC."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from facezoo.backends.torch import state
from facezoo.backends.torch.optimizers import NATIVE, Trained, create_native, steps_tensor
from facezoo.interfaces.optimizer import SLOTS, OptimizerSettings, single, state_name, steps_name


class RowOptimizer:
    """The run's optimiser over rows. A step leaves the other rows and their momentum unchanged, without weight decay.

    AdamW and LAMB count the steps of the whole table; LAMB scales the step of the rows together.

    Args:
        settings: which, and its settings.
        tables: name with its module's prefix, description, whole table.
    """

    def __init__(self, settings: OptimizerSettings, tables: Trained) -> None:
        self.settings, self.tables = settings, tables
        self._slots = {
            name: {slot: torch.zeros_like(value, requires_grad=False) for slot in SLOTS[settings.name]}
            for name, _, value in tables
        }
        self._rate = 0.0
        self._steps = 0

    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""
        self._rate = single(value)

    @torch.no_grad()
    def step(self, active: Mapping[str, torch.Tensor], index: torch.Tensor) -> None:
        """Update rows of the tables.

        Args:
            active: table -> its rows ``index``, as parameters with gradients; they are changed too.
            index: (n,) int64, ascending.
        """
        rows = [(name, item, active[name]) for name, item, _ in self.tables]
        native = create_native(self.settings, rows)
        for group in native.param_groups:
            group["lr"] = self._rate
        for name, _, value in rows:
            for slot, whole in self._slots[name].items():
                native.state[value][NATIVE.get(slot, slot)] = whole.index_select(0, index)
            if self.settings.name != "sgd":
                native.state[value]["step"] = steps_tensor(self.settings, self._steps, value)
        native.step()
        self._steps += 1
        for (name, _, value), (_, _, table) in zip(rows, self.tables, strict=True):
            table.index_copy_(0, index, value)
            for slot, whole in self._slots[name].items():
                kept = native.state[value].get(NATIVE.get(slot, slot))
                if kept is not None:  # SGD without momentum keeps none
                    whole.index_copy_(0, index, kept)

    def state(self) -> dict[str, np.ndarray]:
        """State tensors by ``state_name``, and step counts; empty before the first step."""
        found = {}
        for name, item, _ in self.tables if self._steps else ():
            for slot, whole in self._slots[name].items():
                found[state_name(self.settings.name, slot, name)] = state.read(item, whole)
            if self.settings.name != "sgd":
                found[steps_name(name)] = np.array([self._steps], np.int64)
        return found

    def load_state(self, values: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`state`."""
        for name, item, _ in self.tables:
            for slot, whole in self._slots[name].items():
                stored = values.get(state_name(self.settings.name, slot, name))
                if stored is not None:
                    state.write(item, whole, stored)
                    self._steps = max(self._steps, 1)
            if steps_name(name) in values:
                self._steps = int(values[steps_name(name)].reshape(-1)[0])
