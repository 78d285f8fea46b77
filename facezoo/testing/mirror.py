"""Twins by their text: two native files define the same classes, methods, parameters and attributes."""

from __future__ import annotations

import ast
from pathlib import Path

from facezoo import backends

Outline = dict[str, list[str]]


def native_file(backend: str, room: str, module: str) -> Path:
    """The source of a native module, found without importing a framework."""
    return Path(backends.__file__).parent / backend / room / f"{module}.py"


def outline(path: Path) -> Outline:
    """Definition -> its parameters with defaults and, for ``__init__``, the attributes it sets, all in order.

    Raises:
        AssertionError: there is no such file.
    """
    assert path.is_file(), f"no twin: {path.parent.parent.name} lacks {path.parent.name}/{path.name}"
    tree = ast.parse(path.read_text("utf-8"))
    found: Outline = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = []
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    found[f"{node.name}.{method.name}"] = _parameters(method) + _attributes(method)
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = _parameters(node)
    return found


def _parameters(node: ast.FunctionDef) -> list[str]:
    given = node.args
    defaults = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
    plain = [_parameter(arg, default) for arg, default in zip(given.args, defaults, strict=True)]
    named = [_parameter(arg, default) for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return plain + named


def _parameter(arg: ast.arg, default: ast.expr | None) -> str:
    return arg.arg if default is None else f"{arg.arg}={ast.unparse(default)}"


def _attributes(node: ast.FunctionDef) -> list[str]:
    stored = [
        (item.lineno, item.attr) for item in ast.walk(node)
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name) and item.value.id == "self"
    ]  # fmt: skip
    return [f"self.{name}" for _, name in sorted(stored)] if node.name == "__init__" else []


def check_mirror(room: str, module: str) -> None:
    """Hold the two native files of a member against each other.

    Args:
        room: "backbones" or "heads".
        module: the file's name without its suffix.

    Raises:
        AssertionError: one is missing, or they differ; the message names the first difference.
    """
    first, second = (outline(native_file(backend, room, module)) for backend in ("torch", "paddle"))
    assert list(first) == list(second), f"{room}/{module}: {_first(list(first), list(second))}"
    for name, parts in first.items():
        assert parts == second[name], f"{room}/{module}: {name} differs: {_first(parts, second[name])}"


def _first(a: list[str], b: list[str]) -> str:
    for x, y in zip([*a, "nothing"], [*b, "nothing"], strict=False):
        if x != y:
            return f"torch has {x}, paddle has {y}"
    return "one is longer"
