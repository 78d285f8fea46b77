"""facezoo works from a wheel, an editable installation, and a plain checkout."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = [path for path in site.getsitepackages() if Path(path).is_dir()]
PARTS = ("facezoo", "backends", "zoo_configs", "weights_index")
LOOK = """
import sys
import facezoo
from facezoo.training import config_file as config
from facezoo.zoo import catalog
assert facezoo.list_backbones() and facezoo.list_heads()
recipe = config.recipes()["tiny_mobilefacenet"]
from facezoo.weights.index import load_index
assert load_index()
from facezoo import backends
assert not {"torch", "paddle"} & set(sys.modules), "a framework was imported"
print(facezoo.__file__, backends.__file__, recipe, sep="\\n")
"""


def python(code: str, *paths: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code without site-packages' own hooks, so that an installed facezoo is not found by accident."""
    search = os.pathsep.join([*map(str, paths), *LIBRARIES])
    given = {**os.environ, "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=folder, env=given)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of the files that a build needs, because building writes files into the tree."""
    folder = tmp_path_factory.mktemp("source")
    for name in PARTS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def build(kind: str, source: Path, out: Path) -> Path:
    code = f"import sys, setuptools.build_meta as b; print(b.{kind}(sys.argv[1]))"
    out.mkdir()
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    unpacked = out / "site"
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        wheel.extractall(unpacked)
    return unpacked


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    return build("build_wheel", source, tmp_path_factory.mktemp("wheel") / "out")


def test_the_wheel_holds_every_file(wheel, source):
    for part in PARTS:
        target = "facezoo" if part == "facezoo" else f"facezoo/{part}"
        wanted = {path.relative_to(source / part) for path in (source / part).rglob("*") if path.is_file()}
        got = {path.relative_to(wheel / target) for path in (wheel / target).rglob("*") if path.is_file()}
        missing = {path for path in wanted - got if path.suffix in (".py", ".yaml", ".json", ".j2", ".txt")}
        assert not missing, f"{part}: {sorted(map(str, missing))[:5]}"
    assert not (wheel / "tests").exists()
    assert not (wheel / "backends").exists()
    assert list(wheel.glob("facezoo-*.dist-info/licenses/LICENSE"))


def test_a_wheel_works_in_an_empty_folder(wheel, tmp_path):
    done = python(LOOK, wheel, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(wheel)) for line in done.stdout.splitlines()), done.stdout


def test_a_plain_checkout_works_from_anywhere(source, tmp_path):
    done = python(LOOK, source, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(source)) for line in done.stdout.splitlines()), done.stdout


def test_an_editable_installation_works(source, tmp_path):
    hooks = build("build_editable", source, tmp_path / "out")
    done = python(f"import site; site.addsitedir({str(hooks)!r})\n{LOOK}", hooks, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(source)) for line in done.stdout.splitlines()), done.stdout


def test_a_backend_of_the_wheel_works(wheel, tmp_path, backend):
    code = f"""
import facezoo
from facezoo.backends.{backend}.heads import ArcFace
import facezoo.backends.{backend} as native
head = facezoo.create_head("ArcFace", backend={backend!r}, embedding_size=8, num_classes=3, seed=0)
assert isinstance(head, ArcFace) or type(head).__name__ == "ArcFace"
print(native.__file__)
"""
    done = python(code, wheel, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(str(wheel))


def test_backends_refuse_another_name(source, tmp_path):
    done = python("import backends", source, folder=tmp_path)
    assert done.returncode != 0
    assert "import this package as facezoo.backends, not as backends" in done.stderr
