"""The conformance suite of loss heads, for those of the zoo and for your own: ``check_head(cls)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.convert import round_to_precision
from facezoo.margins.base import Margin
from facezoo.parity.head_case import SIZE, HeadCase, cases, near, near_rows
from facezoo.rng import generator
from facezoo.testing import head_agreement, head_parts

STEPS = 10  # consecutive calls of a head with state; other heads get 3
POLES = 5  # row of the zero embedding


def check_head(
    head: str | type, *, margin: type[Margin] | None = None, twin: type | None = None, **hyper: Any
) -> list[str]:
    """Check a loss head against the contracts of the zoo; the first failure raises.

    Args:
        head: a public name, a margin class of the zoo, or a native class (torch or paddle) from anywhere.
        margin: the neutral description of a native class that is not in the catalog; None: no comparison with an
            oracle.
        twin: the implementation for the other backend, for a native class that is not in the catalog.
        hyper: hyper-parameters; if none are given, every variant is checked.

    Returns:
        Names of the checks, one per variant and check.

    Raises:
        AssertionError: the head fails a check; the message gives the check, the backend and the difference.
        UnknownNameError: no head of the zoo has that name.
    """
    done = []
    for case in cases(head, margin=margin, twin=twin, **hyper):
        for name, check in CHECKS.items():
            if check(case):
                done.append(f"{case}: {name}")
    return done


def check_oracle(case: HeadCase) -> bool:
    """Loss, logits, gradients and state of consecutive training calls equal those of the float64 oracle."""
    if case.margin is None:
        return False
    for backend in case.natives:
        head = case.build(backend)
        for step in range(STEPS if case.stateful(head) else 3):
            x, labels = case.batch(step)
            before = get_state(head)
            wanted = case.margin.reference(x, labels, before, **case.criterion)
            found = backends.module(backend, "introspect_heads").call(head, x, labels, logits=case.has_logits)
            where = f"{case} on {backend}, step {step}"
            near(found["loss"], wanted.loss, f"loss of {where}")
            if wanted.logits is not None:
                near(found["logits"], wanted.logits, f"logits of {where}")
            near_rows(found["embeddings"], wanted.embeddings, x, f"gradient of embeddings of {where}")
            assert found["parameters"].keys() == wanted.parameters.keys(), f"{where} trains {list(found['parameters'])}"
            for name, value in wanted.parameters.items():
                near_rows(found["parameters"][name], value, before[name], f"gradient of {name} of {where}")
            for name, value in get_state(head).items():
                near(value, wanted.state.get(name, before[name]), f"{name} after {where}")
    return True


def check_criteria(case: HeadCase) -> bool:
    """The oracle check with the focal criterion and with label smoothing."""
    if case.margin is None or not case.margin.classifies:
        return False
    for given in ({"label_smoothing": 0.1}, {"criterion": "focal"}, {"criterion": "focal", "focal_gamma": 0.5}):
        check_oracle(case.under(**given))
    return True


def check_poles(case: HeadCase) -> bool:
    """Finite values and gradients for cosines of +-1, zero embeddings, and embedding lengths of 1e-3 to 1e3."""
    for backend in case.natives:
        for dtype in ("float64", "float32"):
            head = case.build(backend, dtype)
            state = get_state(head)
            x, labels = case.batch(0)
            rows = state.get("weight", state.get("centers", generator(1, "rows").normal(size=(SIZE, x.shape[1]))))
            rows = rows.reshape(len(rows), -1, x.shape[1])[:, 0]
            for i, factor in enumerate((1.0, -3.0, 1e-3, -1e3, 1.0)):
                x[i] = factor * rows[(labels[i] + (i == POLES - 1)) % len(rows)]  # the last on another class's weight
            x[POLES] = 0.0
            where = f"{case} on {backend} at the poles in {dtype}"
            found = backends.module(backend, "introspect_heads").call(
                head, x, labels, dtype=dtype, logits=case.has_logits
            )
            for name in ("loss", "logits", "embeddings"):
                assert np.isfinite(found.get(name, 0.0)).all(), f"{name} of {where} is not finite"
            for name, value in found["parameters"].items():
                assert np.isfinite(value).all(), f"gradient of {name} of {where} is not finite"
            if case.margin is not None and dtype == "float64":
                wanted = case.margin.reference(x, labels, state, **case.criterion)
                near(found["loss"], wanted.loss, f"loss of {where}")
    return True


def check_half(case: HeadCase) -> bool:
    """Half-precision embeddings are computed in float32 with finite gradients, also for a zero row."""
    for backend in case.natives:
        x, labels = case.batch(0, spread=0.0)
        x[POLES] = 0.0
        for dtype in ("float16", "bfloat16"):
            where = f"{case} on {backend} with {dtype} embeddings"
            found = backends.module(backend, "introspect_heads").call(
                case.build(backend, "float32"), x, labels, dtype=dtype, logits=False
            )
            wide = backends.module(backend, "introspect_heads").call(
                case.build(backend, "float32"), _rounded(x, dtype), labels, dtype="float32", logits=False
            )
            assert found["dtype"] == "float32", f"{where} returns a loss in {found['dtype']}"
            assert np.isfinite(found["embeddings"]).all(), f"the gradient of {where} is not finite"
            near(found["loss"], wide["loss"], f"loss of {where}", 1e-5)
    return True


def check_labels(case: HeadCase) -> bool:
    """A label out of range raises an error that contains the label and the last valid one."""
    for backend in case.natives:
        head = case.build(backend)
        for wrong in (-1, head.num_classes, 10**6):
            x, labels = case.batch(0)
            labels[2] = wrong
            message = _refusal(backend, head, x, labels)
            shown = message is not None and str(wrong) in message and str(head.num_classes - 1) in message
            assert shown, f"{case} on {backend} with label {wrong} of {head.num_classes} classes raises {message!r}"
    return True


def _refusal(backend: str, head: Any, x: np.ndarray, labels: np.ndarray) -> str | None:
    try:
        backends.module(backend, "introspect_heads").call(head, x, labels, logits=False)
    except IndexError as error:
        return str(error)
    return None


def check_state(case: HeadCase) -> bool:
    """Evaluation and logits do not change the state; a new head on either backend continues from a saved state."""
    for backend in case.natives:
        head = case.build(backend)
        x, labels = case.batch(0)
        backends.module(backend, "introspect_heads").call(head, x, labels, logits=False)
        state = get_state(head)
        head.eval()
        backends.module(backend, "introspect_heads").call(head, x, labels, logits=case.has_logits)
        head.train()
        if case.has_logits:
            backends.module(backend, "introspect_heads").call(head, x, labels, logits=True)
            set_state(head, state)
        for name, value in get_state(head).items():
            assert np.array_equal(value, state[name]), f"{case} on {backend}: {name} changes in evaluation mode"
        x, labels = case.batch(1)
        wanted = backends.module(backend, "introspect_heads").call(head, x, labels, logits=False)["loss"]
        for other in case.natives:
            fresh = case.build(other, seed=99)
            set_state(fresh, state)
            found = backends.module(other, "introspect_heads").call(fresh, x, labels, logits=False)["loss"]
            near(found, wanted, f"loss of {case} continued from {backend} on {other}")
    return True


CHECKS: dict[str, Callable[[HeadCase], bool]] = {
    "oracle": check_oracle,
    "criteria": check_criteria,
    "poles": check_poles,
    "half": check_half,
    "labels": check_labels,
    "state": check_state,
    "columns": head_parts.check_columns,
    "mirror": head_agreement.check_mirror,
    "defaults": head_agreement.check_defaults,
    "inventory": head_agreement.check_inventory,
    "initial": head_agreement.check_initial,
}


def _rounded(x: np.ndarray, dtype: str) -> np.ndarray:
    """The values rounded to float16 or bfloat16, as float64."""
    return round_to_precision(x.astype(np.float32), dtype).astype(np.float64)
