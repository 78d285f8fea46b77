"""The optimiser of tables of which a step updates some rows only, as the class weights under Partial FC."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import paddle

from facezoo.backends.paddle import state
from facezoo.backends.paddle.optimizers import NATIVE, Trained, create_native, set_powers
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
            name: {slot: paddle.zeros_like(value.detach()) for slot in SLOTS[settings.name]}
            for name, _, value in tables
        }
        self._native: paddle.optimizer.Optimizer | None = None  # of the rows in ``_updated``, which stay the same
        self._updated: dict[str, paddle.Tensor] = {}
        self._rate = 0.0
        self._steps = 0

    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""
        self._rate = single(value)

    @paddle.no_grad()
    def step(self, active: Mapping[str, paddle.Tensor], index: paddle.Tensor) -> None:
        """Update rows of the tables.

        Args:
            active: table -> its rows ``index``, as parameters with gradients; they are changed too.
            index: (n,) int64, ascending.
        """
        rows = [(name, item, active[name]) for name, item, _ in self.tables]
        if self._native is None or any(value is not self._updated.get(name) for name, _, value in rows):
            self._native, self._updated = create_native(self.settings, rows), dict(active)
            block = paddle.static.default_main_program().global_block()
            self._native._create_accumulators(block, [value for _, _, value in rows])
        native, held = self._native, self._native._accumulators
        native.set_lr(self._rate)
        for name, _, value in rows:
            for slot, whole in self._slots[name].items():
                held[NATIVE[slot]][value.name].set_value(paddle.index_select(whole, index))
            set_powers(held, value.name, self.settings, self._steps)
        native.step()
        self._steps += 1
        for (name, _, value), (_, _, table) in zip(rows, self.tables, strict=True):
            paddle.scatter_(table, index, value.detach())
            for slot, whole in self._slots[name].items():
                paddle.scatter_(whole, index, held[NATIVE[slot]][value.name])

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
