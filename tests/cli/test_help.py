"""Help texts: metavars and choices instead of Python types, within 80 columns; wrong choices are refused."""

from __future__ import annotations

import re

import pytest
import typer
from typer.main import get_command

from facezoo.align.choose import RULES
from facezoo.align.create import DETECTORS
from facezoo.align.settings import FORMATS
from facezoo.checkpoints import convert
from facezoo.cli import align, datasets_pack, evaluate, evaluate_request, export, options, weights_convert
from facezoo.cli import main as cli
from facezoo.data.tools.pack import FORMATS as PACK_FORMATS
from facezoo.evaluation.report import table
from facezoo.export import targets
from facezoo.inference.embed import FLIPS


def commands() -> list[tuple[str, ...]]:
    """Every verb, and every verb of a group."""
    found: list[tuple[str, ...]] = []
    for verb, (module, _) in cli.VERBS.items():
        app = getattr(__import__(module, fromlist=["app"]), "app", None)
        nested = get_command(app).commands if isinstance(app, typer.Typer) else {}
        found += [(verb,), *((verb, name) for name in nested)]
    return found


COMMANDS = commands()


def help_of(words, capsys, monkeypatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main([*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_no_python_types_and_fits_80_columns(words, capsys, monkeypatch):
    text = help_of(words, capsys, monkeypatch)
    assert not re.search(r"<\w+|\b(TEXT|INTEGER|FLOAT|PATH \[)", text), text
    assert "╭" not in text
    assert max(len(line) for line in text.splitlines() if "|" not in line) <= 80
    for line in text.splitlines():
        assert not re.fullmatch(r"  --[a-z-]+", line), f"an option without a help text: {line}"


def test_the_list_of_verbs_fits_80_columns(capsys):
    assert cli.main(["--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        (("verify",), "--backend [torch|paddle|onnx]"),
        (("align",), "--face [largest|central|all]"),
        (("evaluate",), "--flip [none|sum|concat]"),
        (("evaluate",), "--batch-size N"),
        (("verify",), "--weights FILE|NAME"),
    ],
)
def test_choices_and_metavars_are_shown(words, choices, capsys, monkeypatch):
    assert choices in help_of(words, capsys, monkeypatch)


def test_choices_are_those_of_the_library():
    """The command line repeats them, because its modules import nothing heavy."""
    assert tuple(DETECTORS) == options.DETECTORS
    assert tuple(RULES) == align.FACES
    assert align.IMAGE_FORMATS == FORMATS
    assert datasets_pack.FORMATS == PACK_FORMATS
    assert evaluate_request.FLIPS == FLIPS
    assert evaluate.TABLE_FORMATS == table.FORMATS
    assert tuple(targets.TARGETS) == export.TARGETS
    assert export.PRECISIONS == targets.PRECISIONS
    assert weights_convert.PRECISIONS == convert.PRECISIONS
    assert tuple(convert.FORMS) == weights_convert.FORMS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verify", "a", "b", "--weights", "w", "--backend", "toch"], "unknown backend 'toch'; did you mean 'torch'?"),
        (["embed", "a", "--weights", "w", "--out", "o.npz", "--face", "bigest"], "unknown choice of face 'bigest'"),
        (["detect", "a", "--detector", "mtcn"], "unknown detector 'mtcn'; did you mean 'mtcnn'?"),
        (["evaluate", "--precision", "float16"], "unknown precision 'float16'"),
        (["evaluate", "--table", "--format", "html"], "unknown table format 'html'; known: markdown, latex"),
        (["weights", "convert", "w", "--out", "o", "--to", "tensorflow"], "unknown form 'tensorflow'"),
        (["bench", "--backend", "padle"], "unknown backend 'padle'; did you mean 'paddle'?"),
    ],
)
def test_a_wrong_choice_is_one_line_with_the_nearest_name(words, message, capsys):
    assert cli.main(words) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_a_group_without_a_verb_prints_its_help(capsys):
    assert cli.main(["weights"]) == 2
    assert "Commands:" in capsys.readouterr().err
