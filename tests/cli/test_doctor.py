"""``facezoo doctor``, ``--version --verbose``, and the pages on the environment and on exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from facezoo import backends
from facezoo.cli import doctor
from facezoo.cli import main as cli
from facezoo.cli.environment import VARIABLES, without_password
from facezoo.errors import FacezooError

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = (ROOT / "docs" / "environment.md").read_text("utf-8")


def test_doctor_finds_both_backends_and_no_problem(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    assert cli.main(["doctor", "--check"]) == 0
    text = capsys.readouterr().out
    for name in backends.INSTALL:
        assert re.search(rf"  {name} +devices cpu.*; precision auto is (float32|bfloat16|float16)", text)
    assert "no problem found" in text
    assert str(tmp_path / "cache") in text
    assert "http://***@proxy.example:3128" in text
    assert "secret" not in text
    assert not (tmp_path / "cache").exists()


def test_doctor_names_problems_and_what_to_do(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("FACEZOO_MIRROR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("FACEZOO_OFFLINE", "1")
    monkeypatch.setattr(backends, "available", list)
    monkeypatch.setitem(doctor.EXTRAS, "report", ("matplotlib", "no_such_module"))
    assert cli.main(["doctor", "--check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    problems = " ".join(found["problems"])
    for part in ("pip install 'facezoo[torch]'", "set FACEZOO_CACHE", "FACEZOO_MIRROR is"):
        assert part in problems
    assert found["sections"]["extras"]["report"].endswith("pip install 'facezoo[report]'")
    assert found["sections"]["network"]["downloads"] == "forbidden by FACEZOO_OFFLINE"
    assert cli.main(["doctor"]) == 0


def test_extras_are_those_of_setup():
    block = re.search(r"EXTRAS = \{(.*?)\n\}", (ROOT / "setup.py").read_text("utf-8"), re.DOTALL)
    others = {"torch", "paddle", "paddle-gpu", "docs", "examples"}  # frameworks, and what only developers need
    assert set(re.findall(r'^    "([\w-]+)":', block.group(1), re.MULTILINE)) - others == set(doctor.EXTRAS)
    assert set(doctor.USES) == set(doctor.EXTRAS)


@pytest.mark.parametrize("words", [["--version", "--verbose"], ["-v", "--version"], ["--version", "-v"]])
def test_version_with_details(words, capsys):
    assert cli.main(words) == 0
    shown = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert {"facezoo", "python", "system", "numpy", "torch"} <= set(shown)


def test_every_variable_is_on_the_page():
    files = [path for top in ("facezoo", "backends", "tests") for path in (ROOT / top).rglob("*.py")]
    used = {name for path in files for name in re.findall(r"\bFACEZOO_[A-Z_]+\b", path.read_text("utf-8"))}
    for name in {*used, *VARIABLES}:
        assert f"`{name}`" in ENVIRONMENT, name
    assert {name for name in used if "TEST" not in name and "FUZZ" not in name} - {"FACEZOO_ACCEPT"} <= set(VARIABLES)


def test_every_exit_code_is_on_the_page():
    page = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
    classes, codes = [FacezooError], {0, 1, 130}
    for kind in classes:
        codes.add(kind.exit_code)
        classes += kind.__subclasses__()
    for code in codes:
        assert f"| {code} |" in page


def test_passwords_are_not_shown():
    assert without_password("me:secret@proxy:3128") == "***@proxy:3128"
    assert without_password("http://proxy:3128") == "http://proxy:3128"
