"""What every page needs for screen readers, keyboards, phones and dark rooms, checked without a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.report.page import counts_of, threshold_of
from facezoo.evaluation.report.plots import wilson_band
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.intervals import wilson
from facezoo.io.colours import PALETTE, SERIES, contrast
from facezoo.io.plots import Axis

KINDS = ("run", "evaluation", "sheet", "zoo")


class Elements(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.mark.parametrize("kind", KINDS)
def test_structure(pages, kind):
    text = pages[kind].read_text(encoding="utf-8")
    elements = Elements(text)
    assert elements.of("html")[0]["lang"] == "en"
    assert any(item.get("name") == "viewport" for item in elements.of("meta"))
    assert "prefers-color-scheme:dark" in text
    assert len(elements.of("h1")) == 1
    assert len(elements.of("main")) == 1
    ids = [item["id"] for _, item in elements.found if "id" in item]
    assert len(ids) == len(set(ids))
    assert {item["href"][1:] for item in elements.of("a")} <= set(ids)
    assert not re.search(r"""(src|href)="(?!data:|#)""", text)
    for image in elements.of("img"):
        assert len(image["alt"].split()) > 1, image["alt"]
    for region in elements.of("div"):
        if region.get("class") == "scroll":
            assert region["tabindex"] == "0"
            assert region["aria-label"]
    for field in elements.of("th"):
        assert "scope" in field


def test_alternative_texts_of_curves_give_values(pages):
    found = [item["alt"] for item in Elements(pages["run"].read_text(encoding="utf-8")).of("img")]
    begins = "; classes at 0; margin at 60"
    assert f"loss: loss over step; loss from 10 at 1 to 0.1 at 100, between 0.1 and 10{begins}" in found
    assert any(text.startswith("distance from the teacher") for text in found)
    validation = next(text for text in found if text.startswith("validation"))
    assert "16 held-out identities from 90 at 50 to 90 at 100" in validation
    assert "lfw from 90" in validation
    assert "best at 50" in validation


def test_the_evaluation_gives_counts_thresholds_and_dates(pages):
    text = pages["evaluation"].read_text(encoding="utf-8")
    assert "20 genuine and 20 impostor pairs" in text
    assert "20 searches with and 0 without a mate among 20 people" in text
    assert '<th scope="col" class="number">Threshold</th>' in text
    assert re.search(r"Written by facezoo \S+ on \d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4}", text)


def test_the_run_gives_duration_versions_and_machine(pages):
    text = pages["run"].read_text(encoding="utf-8")
    for part in ("1 min 42 s", "numpy 2", ">cores<", "1970-01-01", "drawn-000", "after augmentation"):
        assert part in text, part


def test_counts_and_thresholds_of_each_kind_of_task():
    search = {"mated": 30, "non_mated": 5, "subjects": 9, "threshold": {"0.1": 0.42}}
    task = TaskResult("t", "search", [Figure("TPIR at FPIR 0.1", 0.5)], search)
    assert counts_of(task) == "30 searches with and 5 without a mate among 9 people"
    assert threshold_of(task, "TPIR at FPIR 0.1") == 0.42
    assert threshold_of(task, "rank-1") is None
    both = TaskResult("t", "template-search", task.figures, {"a.csv": search, "b.csv": {**search, "subjects": 8}})
    assert counts_of(both) == "60 searches with a mate, in galleries of 9 and 8 people"
    roc = Roc.from_scores(np.array([0.9, 0.7, 0.6, 0.1]), np.array([True, True, False, False]))
    pairs = TaskResult("t", "templates", [Figure("TAR at FAR 0.5", 1.0)], {}, roc=roc)
    assert counts_of(pairs) == "2 genuine and 2 impostor pairs"
    assert threshold_of(pairs, "TAR at FAR 0.5") == 0.7
    assert threshold_of(pairs, "TAR at FAR 0.01") is None  # too few pairs
    assert counts_of(TaskResult("t", "reject", task.figures, {"area": 0.1})) == ""


def test_bands_are_wilson_intervals():
    low, high = wilson_band(np.array([0.0, 0.5, 0.995]), 6000, 0.95)
    assert [low[2], high[2]] == pytest.approx(wilson(5970, 6000), abs=1e-9)
    assert [low[0], high[0]] == pytest.approx(wilson(0, 6000), abs=1e-9)


def test_one_validation_gets_a_sensible_axis():
    accuracy = Axis("accuracy, %", least=20, bounds=(0, 100))
    assert accuracy.ends(np.array([74.5])) == (64.5, 84.5)
    assert accuracy.ends(np.array([99.5])) == (80.0, 100.0)
    assert accuracy.ends(np.array([3.0])) == (0.0, 20.0)
    low, high = accuracy.ends(np.array([20.0, 90.0]))
    assert low < 20
    assert high > 90


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_contrast(side):
    background, panel = PALETTE["background"][side], PALETTE["panel"][side]
    for name in ("text", "muted", "note", "link"):
        assert contrast(PALETTE[name][side], background) >= 4.5, name
        assert contrast(PALETTE[name][side], panel) >= 4.5, name
    for pair in SERIES:
        assert contrast(pair[side], background) >= 3.0
