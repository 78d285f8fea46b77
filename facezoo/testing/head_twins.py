"""The guards that keep the two files of a head equal: names, parameters, defaults, inventory, initial values."""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.canonical.state import get_state, inventory
from facezoo.parity.head_case import HeadCase

SHARED = ("embedding_size", "num_classes", "criterion", "label_smoothing", "focal_gamma")


def check_mirror(case: HeadCase) -> bool:
    """Both files define the same classes, functions, methods and parameters, in the same order."""
    if len(case.natives) < 2:
        return False
    first, second = (outline(Path(inspect.getfile(native))) for native in case.natives.values())
    for left, right in zip(first, second, strict=False):
        assert left == right, f"{case}: {' and '.join(case.natives)} differ: {left} and {right}"
    assert len(first) == len(second), f"{case}: one file defines more: {(first, second)}"
    return True


def outline(path: Path) -> list[tuple[str, ...]]:
    """(name, parameters with their defaults, ...) of every class, function and method of a file, in order.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "head.py")
    ...     _ = file.write_text("def logits(cosine, *, scale=64.0): ...")
    ...     outline(file)
    [('logits', 'cosine, *, scale=64.0')]
    """
    return _outline(ast.parse(path.read_text("utf-8")).body, "")


def _outline(body: list[ast.stmt], above: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for node in body:
        if isinstance(node, ast.ClassDef):
            found.append((above + node.name,))
            found += _outline(node.body, f"{above}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            for part in ast.walk(node.args):
                if isinstance(part, ast.arg):
                    part.annotation = None
            found.append((above + node.name, ast.unparse(node.args)))
    return found


def check_defaults(case: HeadCase) -> bool:
    """The native class takes the margin's hyper-parameters, with the same defaults."""
    if case.margin is None:
        return False
    wanted = {entry.name: entry.default for entry in fields(case.margin) if entry.default is not MISSING}
    for backend, native in case.natives.items():
        given = inspect.signature(native).parameters
        own = {name: value.default for name, value in given.items() if name not in SHARED}
        assert own == wanted, f"{case} on {backend} takes {own}; its margin says {wanted}"
        known = getattr(native, "variants", ("ref",))
        variants = tuple(case.margin.variants)
        assert tuple(known) == variants, f"{case} on {backend} knows variants {known}; its margin {variants}"
    return True


def check_inventory(case: HeadCase) -> bool:
    """Names, shapes and order of the canonical state are equal, and say what is trained."""
    lists = {backend: inventory(case.build(backend)) for backend in case.natives}
    plain = {backend: [(item.name, item.shape, item.trained) for item in items] for backend, items in lists.items()}
    first = next(iter(plain.values()))
    for backend, items in plain.items():
        assert items == first, f"{case} holds {items} on {backend}, {first} on {next(iter(plain))}"
    return True


def check_initial(case: HeadCase) -> bool:
    """A class's own initial values have the spread of the zoo's, and buffers start equal on both backends."""
    if case.margin is None:
        return False
    size, classes = 48, 400  # so many that a class-wise draw's mean lies within 0.1 of its spread
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
            assert np.array_equal(state[name], first[name]), f"{name} of {case} starts elsewhere on {backend}"
    return True
