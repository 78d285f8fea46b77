"""Python snippets, commands and links of the documentation, and the doctests of docstrings."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.cli import main as cli
from facezoo.weights import list_weights

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_HERE = [page for page in PAGES if page.parent.name != "tutorials"]  # those are run by test_tutorials.py
SNIPPETS = [
    pytest.param(page, block, id=f"{page.stem}-{number}")
    for page in RUN_HERE
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    if not block.startswith("# ") and "My" not in block  # a file to add, with a test of its own; a reader's own class
]
HOW_TO = ("change-the-schedule", "add-an-augmentation", "add-a-protocol")  # carried out by test_how_to_pages.py
COMMANDS = sorted(
    {
        (page, line.partition("  #")[0].strip().removeprefix("$ "))
        for page in RUN_HERE
        if page.stem not in HOW_TO
        for block in re.findall(r"```(?:sh|console|bash)?\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        if re.match(r"(\$ )?facezoo [a-z]", line)
    }
)


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page shows as blocks beginning with "# NAME.py"."""
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        (folder / name).write_text(code, "utf-8")


@pytest.mark.parametrize(("page", "block"), SNIPPETS)
def test_snippet_runs(page, block, tmp_path, request):
    write_files(page, tmp_path)
    if '"photo.jpg"' in block:
        shutil.copy(request.getfixturevalue("real_data") / "data" / "tiny" / "obama_a.jpg", tmp_path / "photo.jpg")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def options_of(verb: str, words: list[str], capsys) -> str:
    """The help text of a verb, or of its own verb where it is a group."""
    deeper = [words[0]] if words and re.fullmatch(r"[a-z]+", words[0]) else []
    for path in ([verb, *deeper], [verb]):
        if cli.main([*path, "--help"]) == 0:
            return capsys.readouterr().out
        capsys.readouterr()
    pytest.fail(f"facezoo {verb} --help failed")


def faces(folder: Path) -> None:
    """Identity folders with enough images for the batch size and the hold-out of every page."""
    for number in range(4 * 110):
        path = folder / f"person{number // 4}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16)).save(path)


def model(folder: Path, name: str) -> Path:
    """A small weight file in the place of the one that a page names; nothing is downloaded."""
    path = folder / f"{name.removesuffix('.safetensors')}.safetensors"
    network = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, seed=0)
    facezoo.save_weights(network, path)
    return path


@pytest.mark.parametrize(("page", "command"), [pytest.param(*entry, id=entry[1]) for entry in COMMANDS])
def test_command_takes_what_the_page_gives_it(page, command, capsys, monkeypatch, tmp_path):
    """Each option exists; training is carried out as far as the resolved configuration."""
    monkeypatch.setenv("COLUMNS", "400")
    _, verb, *words = shlex.split(re.sub(r"(?<!=)\[(.*?)\]|\.\.\.", "", command))
    assert verb in cli.VERBS, command
    shown = options_of(verb, words, capsys)
    for word in words:
        if word.startswith("--"):
            assert re.search(rf"{re.escape(word.partition('=')[0])}\b", shown), f"{command}: no option {word}"
    if verb == "train" and "--resume" not in words:
        monkeypatch.chdir(tmp_path)
        write_files(page, tmp_path)
        words = ["remote" if "://" in word else word for word in words]  # a bucket is not asked; a folder stands for it
        for option, value in itertools.pairwise(words):
            if option == "--data":
                faces(tmp_path / value)
            if option in ("--weights", "--teacher"):
                file = model(tmp_path, value)
                if option == "--teacher" and Path(value).suffix != ".safetensors" and value not in list_weights():
                    data = words[words.index("--data") + 1]  # a folder of stored embeddings
                    faces(tmp_path / data)
                    stored = ["embed", data, "--aligned", "--weights", str(file), "--out", value]
                    assert cli.main(stored) == 0, capsys.readouterr().err
                    file = tmp_path / value
                words = [str(file) if word == value else word for word in words]
        assert cli.main([verb, *words, "--dry-run"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["config", "list"], ["datasets", "list"], ["weights", "list"], ["evaluate", "--list"]]
)
def test_lists_need_nothing(words, capsys):
    assert cli.main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3 or words == ["config", "list"]


def test_pages_name_files_that_exist():
    for page in PAGES:
        prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#:]+)\)", prose):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def modules() -> list[str]:
    paths = sorted((ROOT / "facezoo").rglob("*.py"))
    with_examples = [path for path in paths if ">>> " in path.read_text("utf-8")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in with_examples]


@pytest.mark.parametrize("name", modules())
def test_doctests(name):
    with np.printoptions(legacy="1.25"):  # the same text with any version of NumPy
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert result.failed == 0
