"""``facezoo.cli.main``: logging, closed output, and files that cannot be read or written."""

from __future__ import annotations

import logging
import subprocess
import sys
import types

import pytest

from facezoo.cli import main as cli
from facezoo.io.progress import progress_bar


@pytest.fixture
def verb(monkeypatch):
    """A function that makes ``facezoo try`` run a function."""

    def add(action):
        module = types.ModuleType("tried")
        module.command = action
        monkeypatch.setitem(sys.modules, "tried", module)
        monkeypatch.setitem(cli.VERBS, "try", ("tried", ""))

    return add


@pytest.fixture(autouse=True)
def level():
    """The level that the command line sets must not last for other tests."""
    logger = logging.getLogger("facezoo")
    before = logger.level
    yield
    logger.setLevel(before)


def test_messages_of_the_library_are_printed_once(verb, capsys):
    logger = logging.getLogger("facezoo.some.module")

    def action() -> None:
        logger.info("a message")
        logger.debug("a detail")

    verb(action)
    for _ in range(3):
        assert cli.main(["try"]) == 0
        assert capsys.readouterr().err == "a message\n"


def test_quiet_leaves_warnings_and_hides_progress(verb, capsys, monkeypatch):
    monkeypatch.setattr("facezoo.io.progress.FIRST", 0.0)

    def action() -> None:
        logging.getLogger("facezoo.x").info("a message")
        logging.getLogger("facezoo.x").warning("a warning")
        with progress_bar("work", "steps", 2) as on_progress:
            on_progress(1)
            on_progress(2)

    verb(action)
    for option in ("-q", "--quiet"):
        assert cli.main([option, "try"]) == 0
        assert capsys.readouterr().err == "a warning\n"
    assert cli.main(["try"]) == 0
    assert "work 2/2" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_one_line(verb, tmp_path, capsys):
    (tmp_path / "file").write_text("")

    def action() -> None:
        (tmp_path / "file" / "out.json").write_text("")

    verb(action)
    assert cli.main(["try"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("facezoo: cannot read or write ")
    assert "out.json" in shown
    assert shown.count("\n") == 1
    with pytest.raises(NotADirectoryError):
        cli.main(["try", "--debug"])


@pytest.mark.parametrize("words", [["list", "backbones"], ["--help"], ["config", "list"]])
@pytest.mark.parametrize("unbuffered", [[], ["-u"]])
def test_a_closed_pipe_ends_quietly(words, unbuffered):
    process = subprocess.Popen(
        [sys.executable, *unbuffered, "-m", "facezoo", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert errors == b""


ESCAPE = "\x1b]0;owned\x07\x1b[31m"


def test_control_characters_in_names_never_reach_the_terminal(verb, capsys, monkeypatch):
    """In messages, lines and JSON on standard output, progress and errors."""
    from facezoo.cli.show import print_json, say
    from facezoo.errors import DataError

    monkeypatch.setattr("facezoo.io.progress.FIRST", 0.0)

    def action() -> None:
        logging.getLogger("facezoo.x").warning("skipped %s", f"a{ESCAPE}.jpg")
        say(f"b{ESCAPE}\u009b31m\u202e: 3 faces")
        print_json({"file": f"c{ESCAPE}\u009b31m\u202e"})
        with progress_bar(f"d{ESCAPE}", "steps", 2) as on_progress:
            on_progress(1, 2, f"e{ESCAPE}")
            on_progress(2, 2, f"e{ESCAPE}")
        raise DataError(f"f{ESCAPE}")

    verb(action)
    assert cli.main(["try"]) == 2
    printed = capsys.readouterr()
    for letter in "abcdef":
        assert letter + r"\x1b]0;owned\x07" in printed.out + printed.err or letter == "c"
    assert r"c\u001b]0;owned\u0007\u001b[31m\u009b31m\u202e" in printed.out
    assert not set("\x1b\x07\u009b\u202e") & set(printed.out + printed.err)


@pytest.mark.parametrize("name", [f"x{ESCAPE}.yaml", "x\udce9.yaml"])
def test_a_real_verb_shows_such_a_name_as_text(tmp_path, capsys, name):
    (tmp_path / name).write_text("backbone: MobileFaceNet\n")
    assert cli.main(["config", "check", str(tmp_path / name)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"x\x" in out


def test_verbose_shows_details_with_time_and_origin(verb, capsys):
    def action() -> None:
        logging.getLogger("facezoo.x").debug("a detail")

    verb(action)
    for option in ("-v", "--verbose"):
        assert cli.main([option, "try"]) == 0
        shown = capsys.readouterr().err
        assert " DEBUG facezoo.cli.main: facezoo " in shown
        assert shown.endswith(" DEBUG facezoo.x: a detail\n")
    assert cli.main(["try"]) == 0
    assert capsys.readouterr().err == ""


def test_no_color_removes_colours(monkeypatch, capsys):
    from facezoo.evaluation.protocols.result import Figure, ProtocolResult, TaskResult
    from facezoo.evaluation.report.table import print_result

    task = TaskResult("t", "pairs", [Figure("accuracy", 0.5)], {}, notes=("a note",))
    result = ProtocolResult("p", "P", "0" * 64, "m", {}, [task], None, 0.95)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_result(result)
    assert "\x1b[33m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_result(result)
    assert "\x1b[3" not in capsys.readouterr().out.replace("\x1b[3m", "")  # 3 alone is italic
