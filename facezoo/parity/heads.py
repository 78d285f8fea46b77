"""Differences between the loss heads of each backend and the float64 oracle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo import backends
from facezoo.canonical.state import get_state
from facezoo.parity.head_case import HeadCase, cases

STEPS = 10  # consecutive training calls of a head with state; other heads get 3
BOUND = 1e-6
COLUMNS = ("torch_loss", "torch_gradient", "paddle_loss", "paddle_gradient")


@dataclass(frozen=True)
class HeadErrors:
    """Largest differences from the oracle over consecutive training calls, in float64.

    Attributes:
        name: the head with its hyper-parameters.
        torch_loss: difference of the loss, relative to the larger of 1 and the loss.
        torch_gradient: difference of the gradients of embeddings and parameters, relative to the largest value of each.
        paddle_loss: as ``torch_loss``.
        paddle_gradient: as ``torch_gradient``.
    """

    name: str
    torch_loss: float
    torch_gradient: float
    paddle_loss: float
    paddle_gradient: float

    def excesses(self) -> list[str]:
        """The differences above the bound, as text; NaN counts as above."""
        return [
            f"{key} {getattr(self, key):.1e} (bound {BOUND:.0e})" for key in COLUMNS if not getattr(self, key) <= BOUND
        ]


def measure_head(name: str) -> list[HeadErrors]:
    """Compare both backends with the oracle, for every variant of a head.

    Raises:
        UnknownNameError: there is no such head.
        BackendUnavailableError: torch or paddle is not installed.
    """
    found = []
    for case in cases(name):
        errors = {backend: _errors(case, backend) for backend in ("torch", "paddle")}
        found.append(HeadErrors(str(case), *errors["torch"], *errors["paddle"]))
    return found


def _errors(case: HeadCase, backend: str) -> tuple[float, float]:
    assert case.margin is not None  # every head of the catalog has one
    head = case.build(backend)
    losses, gradients = [0.0], [0.0]
    for step in range(STEPS if case.stateful(head) else 3):
        x, labels = case.batch(step)
        before = get_state(head)
        wanted = case.margin.reference(x, labels, before, **case.criterion)
        got = backends.module(backend, "introspect_heads").call(head, x, labels, logits=False)
        losses.append(float(abs(got["loss"] - wanted.loss) / max(1.0, abs(wanted.loss))))
        lengths = np.linalg.norm(x, axis=1, keepdims=True)  # gradients are proportional to 1 / length
        gradients.append(_relative(got["embeddings"] * lengths, wanted.embeddings * lengths))
        gradients += [_relative(got["parameters"][key], value) for key, value in wanted.parameters.items()]
    return float(np.max(losses)), float(np.max(gradients))


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-12)
    return float(np.abs(np.asarray(found, np.float64) - wanted).max(initial=0.0)) / scale
