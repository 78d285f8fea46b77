"""Type checkers see the public names, which are imported on first use only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import facezoo

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "[mypy]\nfollow_imports = silent\n"


def test_no_public_name_is_any(tmp_path):
    installed = tmp_path / "site" / "facezoo"  # as in the installed package, backends/ is inside facezoo/
    installed.mkdir(parents=True)
    for path in (*(ROOT / "facezoo").iterdir(), ROOT / "backends"):
        (installed / path.name).symlink_to(path)
    names = sorted((*facezoo._LAZY, *facezoo._SUBMODULES))
    lines = ["import facezoo", *(f"reveal_type(facezoo.{name})" for name in names)]
    (tmp_path / "user.py").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(CONFIG, encoding="utf-8")

    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", "user.py"]
    environment = {**os.environ, "MYPYPATH": str(installed.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    revealed = dict(zip(names, re.findall(r'Revealed type is "(.*)"', done.stdout), strict=True))
    assert revealed["create_backbone"].startswith("def (name: str, *, backend: str")
    assert revealed["Embedder"].endswith("-> facezoo.inference.embedder.Embedder")
    assert revealed["get_state"].startswith("def (module: Any) -> dict[str, numpy.ndarray")
    assert not [name for name, shown in revealed.items() if shown in ("Any", "object")]
