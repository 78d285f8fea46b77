"""The page on adding a head: its code, run as it stands."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import facezoo
from facezoo.testing import check_head

PAGE = Path(facezoo.__file__).parents[1] / "docs" / "add-a-head.md"


def test_the_page_adds_a_head_that_conforms(tmp_path, monkeypatch):
    loaded = {}
    for block in re.findall(r"```python\n(# .*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        room = re.match(r"# (?:facezoo|backends)/(margins|torch|paddle)/", block).group(1)
        path = tmp_path / f"{room}_stretchface.py"
        path.write_text(block, "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        loaded[room] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, loaded[room])
        spec.loader.exec_module(loaded[room])
    assert set(loaded) == {"margins", "torch", "paddle"}
    margin, twin = loaded["margins"].StretchFaceMargin, loaded["paddle"].StretchFace
    done = check_head(loaded["torch"].StretchFace, margin=margin, twin=twin)
    assert len(done) == 11, done
