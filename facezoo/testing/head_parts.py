"""Checks that a head split by class into parts computes the same as the whole head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import get_state
from facezoo.parity.head_case import CLASSES, HeadCase, near, near_rows

CUTS = ((0, 3), (0, 2, 5))  # first class of each part


class _Waiting(Exception):  # noqa: N818 - a signal, not an error
    """A part needs values that the other parts have not computed yet."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self.values = values


def check_columns(case: HeadCase) -> bool:
    """Same loss, gradients and state in 2 and in 3 parts, also if a part has no target class."""
    if not case.has_logits or case.margin is None:
        return False
    for backend in case.natives:
        for cut in CUTS:
            for all_in_first in (False, True):
                x, labels = case.batch(1)
                if all_in_first:
                    labels = labels % cut[1]  # every target class is in the first part
                _compare(case, backend, cut, x, labels)
    return True


def _compare(case: HeadCase, backend: str, cut: tuple[int, ...], x: np.ndarray, labels: np.ndarray) -> None:
    native = backends.module(backend, "introspect_heads")
    dense = case.build(backend)
    wanted = native.call(dense, x, labels, logits=False)
    heads, found = _lock_step(case, backend, cut, x, labels)
    where = f"{case} on {backend} in {len(cut)} parts, targets in classes {sorted(set(labels.tolist()))}"
    for out in found:
        near(out["loss"], wanted["loss"], f"loss of {where}")
    near_rows(sum(out["embeddings"] for out in found), wanted["embeddings"], x, f"gradient of embeddings of {where}")
    per_class = dense.per_class
    state = get_state(dense)
    for name, value in wanted["parameters"].items():
        parts = [out["parameters"][name] for out in found]
        merged = np.concatenate(parts) if name in per_class else sum(parts)
        near_rows(merged, value, state[name], f"gradient of {name} of {where}")
    for name, value in state.items():
        if name not in per_class:
            for head in heads:
                near(get_state(head)[name], value, f"{name} of {where}")


def _lock_step(
    case: HeadCase, backend: str, cut: tuple[int, ...], x: np.ndarray, labels: np.ndarray
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Run all parts repeatedly, each time one reduction further, until no part waits for another."""
    native = backends.module(backend, "introspect_heads")
    known: list[list[np.ndarray]] = []  # reduction -> what each part brought to it
    while True:
        heads, results, waiting = [], [], []
        for part, (first, last) in enumerate(zip(cut, (*cut[1:], CLASSES), strict=True)):
            head = case.build(backend)
            head.keep_classes(first, last - first)
            heads.append(head)
            try:
                results.append(native.call_part(head, x, labels, first, _others(known, part)))
            except _Waiting as signal:
                waiting.append(signal.values)
        if not waiting:
            return heads, results
        assert len(waiting) == len(cut), f"{case} on {backend}: the parts call different numbers of reductions"
        known.append(waiting)


def _others(known: list[list[np.ndarray]], part: int) -> Callable[[np.ndarray, str], np.ndarray]:
    calls = iter(known)

    def others(values: np.ndarray, how: str) -> np.ndarray:
        brought = next(calls, None)
        if brought is None:
            raise _Waiting(values.copy())
        rest = [value for index, value in enumerate(brought) if index != part]
        return np.sum(rest, axis=0) if how == "sum" else np.max(rest, axis=0)

    return others
