"""The house: imports go one way, and nothing neutral knows a framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"torch", "torchvision", "paddle", "tensorflow", "mxnet"}

# From the ground up. A module may import from its own room and from lower layers. Data flow from configuration and
# data to evaluation and report; training stands above evaluation, which validates its runs.
LAYERS = (
    ("errors",),
    ("files", "arrays", "rng", "option_types", "preprocess", "checkpoints.keymap"),
    ("specs", "margins"),
    ("catalog", "data", "download"),
    ("config", "interfaces", "datasets", "initial"),
    ("backends",),
    ("align", "state"),
    ("create", "folding", "cost"),
    ("checkpoints", "evaluation"),
    ("decision", "embedder", "weights"),
    ("training", "photo_embedder", "export"),
    ("embedding_file", "testing", "speed"),
    ("parity", "parity_heads"),
    ("testing.backbones",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def room_of(dotted: str) -> str:
    """The longest entry of the table that holds a module, named without "facezoo."."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in LEVEL), parts[0])


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import of a file, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.lineno, str(node.module)
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from ((node.lineno, str(word.value)) for word in node.args if isinstance(word, ast.Constant))


def neutral_files() -> list[Path]:
    return sorted((ROOT / "facezoo").rglob("*.py"))


def test_imports_go_one_way():
    backward = []
    for path in neutral_files():
        parts = path.relative_to(ROOT / "facezoo").with_suffix("").parts
        here = room_of(".".join(parts))
        if here == "__init__":
            continue  # the public names, looked up when asked for
        assert here in LEVEL, f"{path} stands in no layer; place {here!r} in LAYERS"
        for line, name in imported(path):
            if not name.startswith("facezoo.") or name.split(".")[1] in ("__version__", "__init__"):
                continue
            there = room_of(name.removeprefix("facezoo."))
            if there == here or there not in LEVEL:  # a name of the package itself, as `facezoo.create_head`
                continue
            if here.startswith(there) or there.startswith(here + "."):
                continue  # within one room
            if LEVEL[there] >= LEVEL[here]:
                backward.append(f"{path.relative_to(ROOT)}:{line}: {here} imports {name}")
    assert not backward, "\n".join(backward)


def test_every_room_exists():
    missing = [
        room for room in LEVEL
        if room != "backends" and not any((ROOT / "facezoo" / room.replace(".", "/")).with_suffix(end).exists()
                                          for end in ("", ".py"))
    ]  # fmt: skip
    assert not missing


def test_neutral_code_imports_no_framework():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in neutral_files()
        for line, name in imported(path)
        if name.split(".")[0] in FRAMEWORKS or name.startswith(("facezoo.backends.torch", "facezoo.backends.paddle"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("here", "other"), [("torch", "paddle"), ("paddle", "torch")])
def test_a_backend_knows_one_framework(here, other):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / "backends" / here).rglob("*.py"))
        for line, name in imported(path)
        if name.split(".")[0] in FRAMEWORKS - {here} or name.startswith(f"facezoo.backends.{other}")
    ]
    assert not found, "\n".join(found)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "action",
    [
        "",
        "from facezoo.cli.main import main; main(['--help'])",
        "from facezoo.cli.main import main; main(['--version'])",
    ],
)
def test_the_front_door_is_light(action):
    code = f"""
import sys
import facezoo
{action}
heavy = {{"torch", "paddle", "numpy", "scipy", "PIL", "pydantic", "yaml", "typer", "rich", "requests", "matplotlib"}}
print("loaded:", sorted(heavy & set(sys.modules)))
"""
    assert run(code).splitlines()[-1] == "loaded: []"


def test_every_neutral_module_imports_without_a_framework():
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in neutral_files()
        if path.name != "__main__.py"
    )
    code = f"""
import importlib, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FRAMEWORKS!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
for name in {names!r}:
    importlib.import_module(name)
print("all of", {len(names)})
"""
    assert run(code).splitlines()[-1] == f"all of {len(names)}"
