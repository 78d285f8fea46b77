"""Compares the source of the torch and the paddle implementation: same classes, methods, parameters and attributes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from facezoo import backends

Outline = dict[str, list[str]]


def native_file(backend: str, folder: str, module: str) -> Path:
    """The source file of a native module, found without importing a framework."""
    return Path(backends.__file__).parent / backend / folder / f"{module}.py"


def check_mirror(folder: str, module: str) -> None:
    """Check that the torch and the paddle file of a member of the zoo define the same.

    Args:
        folder: "backbones" or "heads".
        module: the file's name without suffix.

    Raises:
        AssertionError: a file is missing, or they differ; the message gives the first difference.
    """
    files = {backend: native_file(backend, folder, module) for backend in ("torch", "paddle")}
    for backend, path in files.items():
        assert path.is_file(), f"{folder}/{module}: no {backend} implementation; expected {folder}/{path.name}"
    compare_sources(files, f"{folder}/{module}")


def compare_sources(files: Mapping[str, Path], name: str, *, attributes: bool = True) -> None:
    """Check that two files define the same classes, functions, methods and parameters, in the same order.

    Args:
        files: backend -> source file, two of them.
        name: what the message calls them.
        attributes: compare also the attributes that ``__init__`` sets.

    Raises:
        AssertionError: they differ; the message gives the first difference.
    """
    (a, first), (b, second) = ((backend, outline(path, attributes)) for backend, path in files.items())
    assert list(first) == list(second), f"{name}: {_difference(a, list(first), b, list(second))}"
    for definition, parts in first.items():
        assert parts == second[definition], f"{name}: {definition}: {_difference(a, parts, b, second[definition])}"


def outline(path: Path, attributes: bool = True) -> Outline:
    """Definition -> its parameters with defaults and, for ``__init__``, the attributes it sets, all in order.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "head.py")
    ...     _ = file.write_text("def logits(cosine, *, scale=64.0): ...")
    ...     outline(file)
    {'logits': ['cosine', '*', 'scale=64.0']}
    """
    return _outline(ast.parse(path.read_text("utf-8")).body, "", attributes)


def _outline(body: list[ast.stmt], prefix: str, attributes: bool) -> Outline:
    found: Outline = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[prefix + node.name] = []
            found |= _outline(node.body, f"{prefix}{node.name}.", attributes)
        elif isinstance(node, ast.FunctionDef):
            found[prefix + node.name] = _parameters(node.args) + (_attributes(node) if attributes else [])
    return found


def _parameters(given: ast.arguments) -> list[str]:
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    found = [_parameter(arg, default) for arg, default in zip(plain, defaults, strict=True)]
    if given.vararg is not None or given.kwonlyargs:
        found.append(f"*{given.vararg.arg if given.vararg else ''}")
    found += [_parameter(arg, default) for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [*found, f"**{given.kwarg.arg}"] if given.kwarg else found


def _parameter(arg: ast.arg, default: ast.expr | None) -> str:
    return arg.arg if default is None else f"{arg.arg}={ast.unparse(default)}"


def _attributes(node: ast.FunctionDef) -> list[str]:
    if node.name != "__init__":
        return []
    stored = [
        (item.lineno, item.attr) for item in ast.walk(node)
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name) and item.value.id == "self"
    ]  # fmt: skip
    return [f"self.{name}" for _, name in sorted(stored)]


def _difference(a: str, first: list[str], b: str, second: list[str]) -> str:
    for x, y in zip([*first, "nothing"], [*second, "nothing"], strict=False):
        if x != y:
            return f"{a} has {x}, {b} has {y}"
    return f"{a} has {len(first)} parts, {b} has {len(second)}"
