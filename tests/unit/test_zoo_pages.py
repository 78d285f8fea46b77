"""The pages of the zoo agree with its specs and margins."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from facezoo.zoo.catalog import BACKBONES, HEADS

DOCS = Path(__file__).resolve().parents[2] / "docs"
if not (DOCS / "generate.py").is_file():
    pytest.skip("the pages come with a checkout only", allow_module_level=True)
_spec = importlib.util.spec_from_file_location("facezoo_docs_generate", DOCS / "generate.py")
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)
FIGURES = json.loads((DOCS / "zoo" / "figures.json").read_text(encoding="utf-8"))


def test_every_page_is_up_to_date():
    assert generate.stale(FIGURES) == [], "run: python docs/generate.py"


def test_every_member_has_its_figures_and_a_page():
    assert list(FIGURES) == list(BACKBONES)
    made = generate.pages(FIGURES)
    backbones = "\n".join(text for name, text in made.items() if name.startswith("backbones/") and "index" not in name)
    for name in BACKBONES:
        assert f"| {name} |" in backbones
    for name, margin in HEADS.items():
        page = made[f"heads/{name.lower()}.md"]
        assert margin.equation in page
        assert margin.paper in page
        for key in margin.ranges:
            assert f"| `{key}` |" in page
            assert not re.search(rf"\| `{key}` \|.*\| *\|$", page, re.MULTILINE), f"{name}: {key} has no meaning"


@pytest.mark.parametrize("name", ["MobileFaceNet", "LightCNN9", "ViTT"])
def test_figures_are_what_is_counted(name):
    assert generate.measure([name])[name] == FIGURES[name]


@pytest.mark.full
def test_all_figures_are_what_is_counted():
    assert generate.measure() == FIGURES


def test_counted_parameters_are_the_expected_ones():
    wrong = {
        name: (FIGURES[name]["parameters"], spec.parameters)
        for name, spec in BACKBONES.items()
        if spec.parameters is not None and FIGURES[name]["parameters"] != spec.parameters
    }
    assert wrong == {}


def test_import_lines_work_on_both_backends():
    page = generate.pages(FIGURES)["backbones/mobilefacenet.md"] + generate.pages(FIGURES)["heads/cosface.md"]
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "page", "exec"), {})


def test_a_changed_page_is_noticed(tmp_path, monkeypatch, capsys):
    import shutil

    shutil.copytree(generate.ZOO, tmp_path / "zoo")
    monkeypatch.setattr(generate, "ZOO", tmp_path / "zoo")
    page = tmp_path / "zoo" / "heads" / "arcface.md"
    page.write_text(page.read_text(encoding="utf-8").replace("0.5", "0.6"), encoding="utf-8")
    (tmp_path / "zoo" / "heads" / "gone.md").write_text("left over")
    assert generate.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines() == ["out of date: docs/zoo/heads/arcface.md", "out of date: docs/zoo/heads/gone.md"]
