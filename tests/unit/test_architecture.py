"""Architecture: imports go one way, and neutral code imports no framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"torch", "torchvision", "paddle", "tensorflow", "mxnet"}

# From the lowest layer to the highest. A module may import from its own package and from lower layers, never from
# another package of its own layer. Data flow from sources over embeddings to figures; training validates its runs, so
# it stands above evaluation. "backends" is backends/__init__.py alone, which finds a backend by its name.
LAYERS = (
    ("errors",),
    ("rng", "io", "backends", "deprecation"),
    ("specs", "margins", "canonical", "download", "bulk"),
    ("data", "zoo"),
    ("interfaces", "datasets"),
    ("backends.torch", "backends.paddle", "align", "checkpoints"),
    ("weights", "parity", "export"),
    ("inference",),
    ("evaluation", "testing"),
    ("training", "recognition"),
    ("cli",),
    ("__main__",),
)
# The same inside the two largest packages; a name is a folder or a file of the package.
INSIDE = {
    "data": (("jpeg",), ("image",), ("drawing", "transforms"), ("sources",), ("loading",), ("tools",)),
    "evaluation": (
        ("scores", "inputs"), ("statistics",), ("pairwise",), ("metrics",), ("protocols",), ("report",), ("__init__",),
    ),
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of the package; ``__init__`` stays in the name."""
    found = {}
    for top, prefix in (("facezoo", ()), ("backends", ("facezoo",))):
        for path in sorted((ROOT / top).rglob("*.py")):
            found[".".join((*prefix, *path.relative_to(ROOT).with_suffix("").parts))] = path
    return found


MODULES = modules()


def package_of(module: str) -> str:
    """The top-level folder or file of the package that holds a module; each backend counts as one."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2]) if parts[0] == "backends" and parts[1:2] != ["__init__"] else parts[0]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import of a file, also those inside functions and of ``import_module("...")``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in MODULES or f"{full}.__init__" in MODULES else str(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from ((node.lineno, str(word.value)) for word in node.args if isinstance(word, ast.Constant))


def edges() -> Iterator[tuple[str, str, str]]:
    """(importing module, imported module, place) for every import within the package."""
    for module, path in MODULES.items():
        for line, name in imported(path):
            target = f"{name}.__init__" if f"{name}.__init__" in MODULES else name
            if target in MODULES and target not in ("facezoo.__init__", module):
                yield module, target, f"{path.relative_to(ROOT)}:{line}"


def neutral_files() -> list[Path]:
    return sorted((ROOT / "facezoo").rglob("*.py"))


def level_of(name: str, layers: tuple[tuple[str, ...], ...]) -> int:
    found = [level for level, names in enumerate(layers) if name in names]
    assert len(found) == 1, f"{name!r} is in {len(found)} layers; expected one"
    return found[0]


def test_imports_go_one_way():
    backward = []
    for module, target, place in edges():
        here, there = package_of(module), package_of(target)
        if here != there and level_of(there, LAYERS) >= level_of(here, LAYERS):
            backward.append(f"{place}: {here} imports {target}")
    assert not backward, "\n".join(backward)


@pytest.mark.parametrize("name", INSIDE)
def test_imports_go_one_way_inside(name):
    backward = []
    for module, target, place in edges():
        if package_of(module) != name or package_of(target) != name:
            continue
        here, there = module.split(".")[2], target.split(".")[2]
        if here != there and level_of(there, INSIDE[name]) >= level_of(here, INSIDE[name]):
            backward.append(f"{place}: {here} imports {target}")
    assert not backward, "\n".join(backward)


def test_no_module_imports_itself_through_others():
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for module, target, _ in edges():
        graph[module].add(target)
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_every_package_is_placed():
    found = {package_of(module) for module in MODULES} - {"__init__"}
    assert found == {name for names in LAYERS for name in names}


def test_neutral_code_reaches_a_backend_through_the_loader_only():
    """Dynamic imports would hide an edge: they stand in few files, and only the loader's names a backend."""
    found = {
        module.removeprefix("facezoo.")
        for module, path in MODULES.items()
        if "import_module(" in path.read_text("utf-8")
        and package_of(module) not in ("backends.torch", "backends.paddle")
    }
    assert found == {"__init__", "backends.__init__", "cli.main", "testing.__init__", "zoo.catalog", "zoo.user_class"}


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
