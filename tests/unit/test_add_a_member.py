"""Adding a head and a backbone as the docs describe, in a copy of the tree: three files, one line, and the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "docs" / "add-a-head.md").is_file():
    pytest.skip("the pages come with a checkout only", allow_module_level=True)
COPIED = ("facezoo", "backends", "tests/conformance", "tests/golden", "tests/conftest.py", "pyproject.toml", "setup.py")


@pytest.fixture
def tree(tmp_path):
    """A copy of the files that the suites need."""
    for name in COPIED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    return tmp_path


@pytest.mark.parametrize(
    ("page", "member", "before", "suite"),
    [
        ("add-a-head.md", "StretchFace", '        "UniformFace",\n', "test_heads.py"),
        ("add-a-backbone.md", "StripeNet", '        "vit",\n', "test_backbones.py"),
    ],
)
def test_three_files_and_one_line_are_enough(tree, page, member, before, suite):
    text = (ROOT / "docs" / page).read_text("utf-8")
    files = re.findall(r"```python\n# ((?:facezoo|backends)/\S+\.py)\n(.*?)```", text, re.DOTALL)
    assert len(files) == 3
    for name, code in files:
        assert not (tree / name).exists()
        (tree / name).write_text(code, "utf-8")
    (line,) = re.findall(r'^Add `("\w+",)` to the names of', text, re.MULTILINE)
    catalog = tree / "facezoo" / "zoo" / "catalog.py"
    listed = catalog.read_text("utf-8")
    assert listed.count(before) == 1
    catalog.write_text(listed.replace(before, f"{before}        {line}\n"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/conformance/{suite}", "-k", member],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) >= 4, done.stdout
