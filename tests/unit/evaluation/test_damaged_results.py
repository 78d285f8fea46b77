"""Stored results that somebody changed: one line that names the file, for every place and many values."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest

from facezoo.errors import FacezooError
from facezoo.evaluation.protocols.result import load_result
from facezoo.evaluation.report.compare_results import compare_results
from facezoo.evaluation.report.table import combine

FIGURE = {"name": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95, "percent": True}
PAIRS = {
    "scores": [0.1, 0.9, 0.2, 0.8],
    "same": [0, 1, 0, 1],
    "folds": [0, 0, 1, 1],
    "correct": [1, 1, 0, 1],
    "first": ["a/1", "a/1", "b/1", "b/2"],
    "second": ["b/1", "a/2", "c/1", "b/3"],
}
IDENTITIES = {"labels_sha256": "0" * 64, "pairs": [3, 1], "accepted": {"0.1": [2, 1], "0.01": None}}
TASK = {
    "name": "t", "kind": "pairs", "figures": [FIGURE], "detail": {"tar": {"0.5": 0.5}}, "pairs": PAIRS,
    "identities": IDENTITIES,
}  # fmt: skip
RESULT = {"format": 1, "protocol": "p", "protocol_sha256": "f" * 64, "model": "m", "ranking": 0.5, "tasks": [TASK]}
VALUES = (None, "x", -1, 1e308, float("inf"), float("nan"), 10**400, [], {}, [1], ["a"], [[1]], {"a": 1}, True)


def places(value, above=()):
    """Every place inside a result, of a list the first two."""
    inside = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    for key, part in inside:
        yield (*above, key)
        yield from places(part, (*above, key))


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "r.json"

    def store(result):
        path.write_text(json.dumps(result))
        return load_result(path)

    return store


def test_the_whole_result_is_compared(stored):
    result = stored(RESULT)
    assert len(compare_results(result, result)) == 3
    assert "accuracy" in combine([result], form="markdown", intervals=True)


@pytest.mark.parametrize("place", list(places(RESULT)), ids=lambda place: ".".join(map(str, place)))
def test_no_change_ends_in_a_traceback(stored, place):
    whole = stored(RESULT)
    for value in VALUES:
        damaged = copy.deepcopy(RESULT)
        inside = damaged
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = value
        with contextlib.suppress(FacezooError):
            found = stored(damaged)
            combine([found], form="markdown", intervals=True)
            compare_results(found, whole)
