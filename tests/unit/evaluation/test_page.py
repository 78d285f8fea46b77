"""The HTML page: complete, self-contained, and with the worst pairs."""

import re

import numpy as np
import pytest

from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import Protocol
from facezoo.evaluation.protocols.result import Figure, PairRecord
from facezoo.evaluation.protocols.run import run_protocol
from facezoo.evaluation.report.page import write_page
from facezoo.evaluation.report.worst import worst_listed, worst_of_all_pairs


def outcome(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 4)).astype(np.float32)
    names = np.array([f"p{i // 2}/p{i // 2}_{i}.jpg" for i in range(40)])
    lines = [f"{names[2 * i]} {names[2 * i + 1]} 1\n{names[2 * i]} {names[2 * i - 1]} 0" for i in range(20)]
    (tmp_path / "pairs.txt").write_text("\n".join(lines))
    role = np.arange(40) % 2
    store = EmbeddingSet.build(rows, {"name": names, "probe": role})
    tasks = [
        {"name": "pairs", "kind": "pairs", "layout": "paths", "far": [0.2, 1e-4]},
        {"name": "reject", "kind": "reject", "layout": "paths", "fmr": 0.2},
        {"name": "search", "kind": "search", "gallery": {"probe": 0}, "probes": {"probe": 1}, "fpir": [0.5]},
        {"name": "all-pairs", "kind": "all-pairs", "far": [0.1]},
    ]
    protocol = Protocol.model_validate({"name": "mine", "title": "Mine & <yours>", "tasks": tasks})
    return run_protocol(protocol, store, lists=tmp_path, model="m<1>"), store


def test_page_is_complete_and_self_contained(tmp_path):
    result, store = outcome(tmp_path)
    high, low = worst_of_all_pairs(store.embeddings, store.column("label"), store.column("name"), 3)
    page = tmp_path / "page.html"
    asked = []

    def crop(name):
        asked.append(name)
        return np.full((8, 8, 3), 200, np.uint8)

    write_page(result, page, crop=crop, galleries=[("Highest impostors", high), ("Lowest genuine", low)])
    text = page.read_text()
    assert "Mine &amp; &lt;yours&gt;" in text
    assert "m&lt;1&gt;" in text
    assert result.protocol_sha256 in text
    assert "not given" in text
    assert "Worst false matches: pairs" in text
    assert text.count("data:image/svg+xml;base64,") == 6  # ROC, DET, two histograms, CMC, reject
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    assert "http" not in text
    assert high[0].first in asked


def test_worst_listed_pairs_are_the_clearest_mistakes():
    record = PairRecord(
        scores=np.array([0.9, 0.7, 0.1, 0.2, 0.3, 0.8]),
        same=np.array([False, False, True, True, False, True]),
        folds=np.zeros(6, int),
        first=list("abcdef"),
        second=list("uvwxyz"),
        correct=np.array([False, False, False, False, True, True]),
        threshold=np.full(6, 0.5),
    )
    matches, misses = worst_listed(record, 1)
    assert [(pair.first, pair.second, pair.score) for pair in matches] == [("a", "u", 0.9)]
    assert [pair.first for pair in misses] == ["c"]
    assert len(worst_listed(record, 10)[0]) == 2


@pytest.mark.parametrize("seed", range(3))
def test_worst_of_all_pairs_equal_a_full_matrix(seed):
    rng = np.random.default_rng(seed)
    rows, labels = rng.normal(size=(50, 6)), rng.integers(0, 8, 50)
    high, low = worst_of_all_pairs(rows, labels, [str(i) for i in range(50)], 5)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    scores = unit @ unit.T
    upper = np.triu(np.ones((50, 50), bool), 1)
    same = labels[:, None] == labels
    np.testing.assert_allclose([p.score for p in high], np.sort(scores[upper & ~same])[::-1][:5], atol=1e-6)
    np.testing.assert_allclose([p.score for p in low], np.sort(scores[upper & same])[:5], atol=1e-6)
    for pair in (*high, *low):
        assert scores[int(pair.first), int(pair.second)] == pytest.approx(pair.score, abs=1e-6)


def test_figures_as_text():
    assert Figure("a", float("nan")).text() == "not given"
    assert Figure("a", 0.5).text() == "50.00 %"
    assert Figure("a", 0.5, 0.4, 0.6, percent=False).text() == "0.5000 (0.4000 to 0.6000)"
