"""The how-to pages, carried out in a copy of the tree: their changes, files, tests and commands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("change-the-schedule", "add-an-augmentation", "add-a-protocol")
if not (ROOT / "docs" / f"{PAGES[0]}.md").is_file():
    pytest.skip("the pages come with a checkout only", allow_module_level=True)
COPIED = ("facezoo", "backends", "zoo_configs", "pyproject.toml", "setup.py", "tests/conftest.py")


@pytest.fixture
def tree(tmp_path):
    """A copy of the package, without tests."""
    for name in COPIED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    return tmp_path


def apply(change: str, tree: Path) -> None:
    """Apply a block that names a file in its first line; lines of the file begin with " " or "-", new ones with "+"."""
    first, *lines = change.splitlines()
    file = tree / first.removeprefix("# ")
    old = "\n".join(line[1:] for line in lines if line[0] in " -")
    new = "\n".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{first}: found {text.count(old)} times, expected once:\n{old}"
    file.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_steps_of_the_page_work(page, tree):
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    ran = 0
    for kind, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        if kind == "diff":
            apply(block, tree)
        elif kind in ("python", "yaml"):
            name, _, content = block.partition("\n")
            file = tree / name.removeprefix("# ")
            assert not file.exists()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        else:
            for line in block.splitlines():
                run(line.partition("  #")[0], tree)
                ran += 1
    assert ran > 2


def run(command: str, tree: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    words = shlex.split(command)
    words = [sys.executable, *(words[1:] if words[0] == "python" else ["-m", *words])]
    done = subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
