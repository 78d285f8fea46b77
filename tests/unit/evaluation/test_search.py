"""Searches in a gallery against loops: ranks, open set, distractors, low-shot."""

import math

import numpy as np
import pytest

from facezoo.errors import NumericalError, ProtocolError, ShapeError
from facezoo.evaluation.metrics.distractors import identification_with_distractors
from facezoo.evaluation.metrics.search import identification, pick_gallery


def make(seed, n, people, size=5):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, people, n)
    centres = np.random.default_rng(99).integers(-2, 3, (people, size))
    rows = (centres[labels] + rng.integers(-1, 2, (n, size))).astype(np.float32)
    rows[~rows.any(axis=1)] = 1
    return rows, labels


def cosine(a, b):
    """Rounded, so that equal directions also tie in the loops."""
    return round(float(a.astype(float) @ b / np.linalg.norm(a.astype(float)) / np.linalg.norm(b.astype(float))), 7)


def by_hand(probes, who, gallery, members):
    ranks, mates, tops = [], [], []
    for probe, person in zip(probes, who, strict=True):
        best = {}
        for entry, member in zip(gallery, members, strict=True):
            best[member] = max(best.get(member, -2), cosine(probe, entry))
        if person in best:
            mates.append(best[person])
            ranks.append(sum(score >= best[person] for score in best.values()))
        else:
            tops.append(max(best.values()))
    return np.array(ranks), np.array(mates), np.array(tops)


@pytest.mark.parametrize("seed", range(3))
def test_equals_loops_with_several_entries_per_subject(seed):
    probes, who = make(seed, 70, 14)
    gallery, members = make(seed + 50, 30, 9)
    result = identification(probes, who, gallery, members, fpir=(0.5, 0.1, 0.001), block=13)
    ranks, mates, tops = by_hand(probes, who, gallery, members)
    assert result.ranks.tolist() == ranks.tolist()
    np.testing.assert_allclose(result.mate_scores, mates, atol=1e-6)
    np.testing.assert_allclose(result.top_scores, tops, atol=1e-6)
    for k in (1, 5, 10):
        assert result.rank[k] == np.mean(ranks <= k)
        assert result.cmc(10)[k - 1] == pytest.approx(result.rank[k])
    for rate in (0.5, 0.1):
        best = max(np.mean((ranks == 1) & (mates >= t)) for t in [*mates, *tops, 2.0] if np.mean(tops >= t) <= rate)
        assert result.tpir[rate] == pytest.approx(best)
    assert math.isnan(result.tpir[0.001])
    assert "FPIR 0.001 needs 1,000 probes" in result.notes[0]
    fpir, fnir = result.det()
    assert (np.diff(fpir) > 0).all()
    assert (np.diff(fnir) <= 0).all()


def test_result_does_not_depend_on_names_or_order():
    probes, who = make(3, 40, 8)
    gallery, members = make(53, 20, 6)
    plain = identification(probes, who, gallery, members, fpir=(0.5,)).to_dict()
    order = np.random.default_rng(0).permutation(20)
    names = np.array([f"n{m}" for m in members])
    moved = identification(probes * 3, [f"n{w}" for w in who], gallery[order], names[order], fpir=(0.5,))
    assert moved.to_dict() == plain


def test_bad_searches():
    probes, who = make(4, 10, 3)
    with pytest.raises(ProtocolError, match="none of 10 probes has a mate"):
        identification(probes, who, probes, who + 100)
    with pytest.raises(ShapeError, match="probe subjects"):
        identification(probes, who[1:], probes, who)
    with pytest.raises(ProtocolError, match="ranks are"):
        identification(probes, who, probes, who, ranks=(0,))
    with pytest.raises(NumericalError, match="gallery: row 0"):
        identification(probes, who, np.where(np.arange(10)[:, None] == 0, np.nan, probes), who)


@pytest.mark.parametrize("block", [7, 4096])
def test_distractors_equal_loops(block):
    rows, labels = make(5, 24, 6)
    others, _ = make(60, 40, 40)
    result = identification_with_distractors(rows, labels, others, (40, 10, 25), ranks=(1, 3), block=block)
    ranks = []
    for i in range(24):
        for j in range(24):
            if i != j and labels[i] == labels[j]:
                mate = cosine(rows[i], rows[j])
                ranks.append(1 + sum(cosine(rows[i], other) >= mate for other in others))
    assert result.trials == len(ranks)
    assert sorted(result.ranks[40].tolist()) == sorted(ranks)
    assert result.rank[40][1] == np.mean(np.array(ranks) <= 1)
    assert (result.ranks[10] <= result.ranks[25]).all()
    assert (result.ranks[25] <= result.ranks[40]).all()


def test_distractor_sets_do_not_depend_on_blocks():
    rows, labels = make(6, 20, 5)
    others, _ = make(61, 50, 50)
    one = identification_with_distractors(rows, labels, others, (5, 20), block=3, seed=1)
    two = identification_with_distractors(rows, labels, others, (5, 20), block=50, seed=1)
    assert one.to_dict() == two.to_dict()


def test_bad_distractors():
    rows, labels = make(7, 10, 3)
    with pytest.raises(ProtocolError, match=r"expected 1\.\.10"):
        identification_with_distractors(rows, labels, rows, (11,))
    with pytest.raises(ProtocolError, match="has two images"):
        identification_with_distractors(rows, np.arange(10), rows, (5,))


def test_low_shot_gallery():
    labels = np.array(["a"] * 5 + ["b"] * 3 + ["c"])
    chosen = pick_gallery(labels, 2, seed=3)
    assert [chosen[labels == name].sum() for name in "abc"] == [2, 2, 1]
    assert (chosen == pick_gallery(labels, 2, seed=3)).all()
    assert any((chosen != pick_gallery(labels, 2, seed=other)).any() for other in range(4, 9))
    with pytest.raises(ProtocolError, match="shots is 0"):
        pick_gallery(labels, 0)
