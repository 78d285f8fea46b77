"""Checks that the two implementations of a head agree in definitions, defaults, tensors and initial values."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.canonical.state import get_state, inventory
from facezoo.parity.head_case import HeadCase
from facezoo.testing.mirror import compare_sources

SHARED = ("embedding_size", "num_classes", "criterion", "label_smoothing", "focal_gamma")


def check_mirror(case: HeadCase) -> bool:
    """Both files define the same classes, functions, methods and parameters, in the same order."""
    if len(case.natives) < 2:
        return False
    files = {backend: Path(inspect.getfile(native)) for backend, native in case.natives.items()}
    compare_sources(files, str(case), attributes=False)
    return True


def check_defaults(case: HeadCase) -> bool:
    """The native class takes the hyper-parameters of its margin, with the same defaults."""
    if case.margin is None:
        return False
    wanted = {entry.name: entry.default for entry in fields(case.margin) if entry.default is not MISSING}
    for backend, native in case.natives.items():
        given = inspect.signature(native).parameters
        own = {name: value.default for name, value in given.items() if name not in SHARED}
        assert own == wanted, f"{case} on {backend} takes {own}; its margin has {wanted}"
        known = getattr(native, "variants", ("ref",))
        variants = tuple(case.margin.variants)
        assert tuple(known) == variants, f"{case} on {backend} has variants {known}; its margin has {variants}"
    return True


def check_inventory(case: HeadCase) -> bool:
    """Both implementations have the same tensors in the same order: names, shapes, and whether they are trained."""
    lists = {backend: inventory(case.build(backend)) for backend in case.natives}
    plain = {backend: [(item.name, item.shape, item.trained) for item in items] for backend, items in lists.items()}
    first = next(iter(plain.values()))
    for backend, items in plain.items():
        assert items == first, f"{case} has {items} on {backend}, {first} on {next(iter(plain))}"
    return True


def check_initial(case: HeadCase) -> bool:
    """Initial values have the mean and spread of the margin's; other tensors start equal on both backends."""
    if case.margin is None:
        return False
    size, classes = 48, 400  # large enough that the mean of each class is within 0.1 standard deviations
    wanted = case.margin.initial_state(size, classes, 1)
    starts: dict[str, dict[str, np.ndarray]] = {}
    for backend, native in case.natives.items():
        hyper: dict[str, Any] = case.margin.hyper()
        starts[backend] = get_state(native(size, classes, **hyper))
        for name, value in wanted.items():
            own = starts[backend][name]
            assert own.shape == value.shape, f"{name} of {case} on {backend} has shape {own.shape}, not {value.shape}"
            scale = max(value.std(), 0.01 * abs(value.mean()), 1e-6)
            off = abs(own.mean() - value.mean()) / scale, abs(own.std() - value.std()) / scale
            assert max(off) < 0.5, f"{name} of {case} on {backend} starts at {own.mean()} +- {own.std()}"
    first = next(iter(starts.values()))
    for backend, state in starts.items():
        for name in state.keys() - wanted.keys():
            assert np.array_equal(state[name], first[name]), f"{name} of {case} starts at other values on {backend}"
    return True
