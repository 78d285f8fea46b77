"""Deprecations warn once per place, name the replacement, and are removed in time."""

import ast
from pathlib import Path

import pytest

import facezoo
from facezoo.deprecation import FacezooDeprecationWarning, deprecated, warn_deprecated

ROOT = Path(__file__).resolve().parents[2]
TEXT = "facezoo.old is deprecated since 0.2 and will be removed in 0.4; use facezoo.new"


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_a_deprecated_function_warns_its_caller():
    @deprecated("facezoo.old", since="0.2", removal="0.4", instead="facezoo.new")
    def old(value):
        return value + 1

    with pytest.warns(FacezooDeprecationWarning, match=TEXT) as caught:
        assert old(1) == 2
    assert caught[0].filename == __file__


def test_a_deprecated_argument_warns_the_caller():
    def function(old=None):
        if old is not None:
            warn_deprecated("facezoo.old", since="0.2", removal="0.4", instead="facezoo.new")

    function()
    with pytest.warns(FacezooDeprecationWarning, match=TEXT) as caught:
        function(old=1)
    assert caught[0].filename == __file__


def test_what_should_be_gone_is_gone():
    """A call with removal="0.4" fails this test from version 0.4 on; removal is later than since."""
    for folder in ("facezoo", "backends"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("deprecated", "warn_deprecated"):
                    given = {
                        word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)
                    }
                    assert version(given["removal"]) > version(facezoo.__version__)[:2], f"{path}:{node.lineno}"
                    assert version(given["removal"]) > version(given["since"]), f"{path}:{node.lineno}"
