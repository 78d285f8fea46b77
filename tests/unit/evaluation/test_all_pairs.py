"""All pairs against brute force over a full matrix, with ties, for several block sizes and parts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facezoo.errors import ConfigError, DataError, NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation import AllPairsPart, all_pairs, all_pairs_part, merge_all_pairs

FARS = (1.0, 0.5, 0.1, 0.03, 1e-2, 1e-3, 1e-4)


def tied_set(seed, n=60, people=9, levels=2, size=4):
    """Small integers: many rows and many scores are equal."""
    print("seed", seed)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, people, n)
    centres = rng.integers(-levels, levels + 1, (people, size))
    rows = centres[labels] + rng.integers(-1, 2, (n, size))
    rows[~rows.any(axis=1)] = 1
    return rows.astype(np.float32), labels


def brute_force(rows, labels, metric="cosine"):
    """Scores of all unordered pairs, float32 from float64, as two plain lists."""
    rows = rows.astype(np.float64)
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    scores = (rows @ rows.T).astype(np.float32)
    upper = np.triu_indices(len(rows), 1)
    same = (labels[:, None] == labels[None])[upper]
    return scores[upper][same], scores[upper][~same]


def brute_tar(genuine, impostor, far):
    """Tries every threshold; the smallest one with the wanted rate accepts the most."""
    best = 0.0
    for threshold in sorted({*genuine.tolist(), *impostor.tolist(), -2.0, 2.0}):
        if np.mean(impostor >= np.float32(threshold)) <= far:
            best = max(best, float(np.mean(genuine >= np.float32(threshold))))
    return best


@pytest.mark.parametrize("seed", range(5))
def test_equals_brute_force_with_ties_at_every_far(seed):
    rows, labels = tied_set(seed)
    genuine, impostor = brute_force(rows, labels, "dot")
    result = all_pairs(rows, labels, FARS, metric="dot", block=17)
    assert (result.genuine, result.impostor) == (len(genuine), len(impostor))
    for far in FARS:
        if far * len(impostor) < 1:
            assert math.isnan(result.tar[far])
            assert math.isnan(result.threshold[far])
            continue
        assert result.tar[far] == brute_tar(genuine, impostor, far), far
        limit = np.float32(result.threshold[far])
        assert np.mean(impostor >= limit) <= far
        assert result.tar[far] == np.mean(genuine >= limit)
        if np.isfinite(limit):
            assert np.mean(impostor >= np.nextafter(limit, np.float32(-np.inf))) > far  # the smallest
    wins = np.mean((genuine[:, None] > impostor[None]) + 0.5 * (genuine[:, None] == impostor[None]))
    assert result.auc == pytest.approx(wins, abs=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("block", [1, 7, 64, 2048])
def test_cosine_with_any_block(block, precision):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 6, 50)
    rows = (rng.normal(size=(6, 16))[labels] + rng.normal(size=(50, 16)) * 1.5).astype(np.float32) * 37
    genuine, impostor = brute_force(rows, labels)
    result = all_pairs(rows, labels, (0.1, 0.01), block=block, precision=precision, thresholds=(0.25,))
    assert result.tar == {far: brute_tar(genuine, impostor, far) for far in (0.1, 0.01)}
    assert result.at[0.25] == (np.mean(impostor >= 0.25), np.mean(genuine < 0.25))
    edges, right, wrong = result.histogram
    assert right.sum() == len(genuine)
    assert wrong.sum() == len(impostor)
    assert wrong.tolist() == np.histogram(impostor, np.append(edges, 2))[0].tolist()


def test_duplicates_tie_at_any_position():
    rng = np.random.default_rng(4)
    base = rng.normal(size=(11, 33)).astype(np.float32)
    pick = rng.integers(0, 11, 90)
    labels = rng.integers(0, 5, 90)
    whole = all_pairs(base[pick], labels, FARS, block=90)
    for block in (13, 32):
        other = all_pairs(base[pick], labels, FARS, block=block)
        assert json.dumps(other.to_dict()) == json.dumps(whole.to_dict())


def test_parts_merge_to_the_whole(tmp_path):
    rows, labels = tied_set(6, n=80)
    whole = all_pairs(rows, labels, FARS, block=16, thresholds=(0.5,))
    parts = []
    for number in (2, 0, 1):
        part = all_pairs_part(rows, labels, FARS, part=number, parts=3, block=16, thresholds=(0.5,))
        part.save(tmp_path / f"{number}.npz")
        parts.append(AllPairsPart.load(tmp_path / f"{number}.npz"))
    merged = merge_all_pairs(parts)
    assert json.dumps(merged.to_dict()) == json.dumps(whole.to_dict())
    assert (merged.roc.false == whole.roc.false).all()
    with pytest.raises(ProtocolError, match=r"parts \[0, 2\] of 3"):
        merge_all_pairs(parts[:2])
    with pytest.raises(ProtocolError, match="different embeddings"):
        merge_all_pairs([*parts[:2], all_pairs_part(rows, labels, (0.1,), part=1, parts=3, block=16)])
    with pytest.raises(ProtocolError, match="no parts"):
        merge_all_pairs([])


def test_part_files_are_checked(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        AllPairsPart.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(DataError, match="is not a part"):
        AllPairsPart.load(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", header=np.array([{}], dtype=object), a=np.ones(2))
    with pytest.raises(DataError, match="is not a part"):
        AllPairsPart.load(tmp_path / "other.npz")


def test_two_sets_are_compared_across_only():
    rows, labels = tied_set(7, n=40)
    others, names = tied_set(8, n=30)
    result = all_pairs(rows, labels, (0.1,), against=(others, names), metric="dot", block=11)
    scores = (rows.astype(float) @ others.T.astype(float)).astype(np.float32)
    same = labels[:, None] == names[None]
    assert (result.genuine, result.impostor) == (same.sum(), (~same).sum())
    assert result.tar[0.1] == brute_tar(scores[same], scores[~same], 0.1)


def test_intervals_contain_the_figures():
    rng = np.random.default_rng(12)
    labels = np.repeat(np.arange(40), 4)
    rows = rng.normal(size=(40, 12))[labels] + rng.normal(size=(160, 12))
    result = all_pairs(rows, labels, (0.1, 0.01, 1e-7))
    for far in (0.1, 0.01):
        low, high = result.interval[far]
        assert low < result.tar[far] < high
    assert result.auc_interval[0] < result.auc < result.auc_interval[1]
    assert result.eer_interval[0] < result.eer < result.eer_interval[1]
    assert all(math.isnan(end) for end in result.interval[1e-7])


def test_more_genuine_scores_than_a_tile_holds():
    rng = np.random.default_rng(9)
    labels = np.repeat([0, 1], 40)
    rows = rng.normal(size=(80, 8)).astype(np.float32)
    genuine, impostor = brute_force(rows, labels)
    result = all_pairs(rows, labels, (0.1,), block=9)
    assert result.tar[0.1] == brute_tar(genuine, impostor, 0.1)
    wins = np.mean(genuine[:, None] > impostor[None])
    assert result.auc == pytest.approx(wins, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), block=st.integers(1, 40))
def test_result_does_not_depend_on_order_names_or_scale(seed, block):
    rows, labels = tied_set(seed, n=24, people=4)
    if len(set(labels.tolist())) < 2 or np.bincount(labels).max() < 2:
        return
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    plain = all_pairs(rows, labels, (0.2, 0.02), block=block, workers=1).to_dict()
    names = np.array([f"id {label}" for label in labels])
    scale = 2.0 ** rng.integers(-3, 4, (len(rows), 1))
    moved = all_pairs(rows[order] * scale, names[order], (0.2, 0.02), block=2 * block, workers=1).to_dict()
    for drop in ("interval", "auc_interval", "eer_interval"):  # resampling follows the order of identities
        plain.pop(drop), moved.pop(drop)
    assert json.dumps(moved) == json.dumps(plain)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_duplicated_row_counts_as_another_row(seed):
    rows, labels = tied_set(seed, n=20, people=3)
    if len(set(labels.tolist())) < 2:
        return
    twice, again = np.concatenate([rows, rows]), np.concatenate([labels, labels])
    genuine, impostor = brute_force(twice, again, "dot")
    result = all_pairs(twice, again, (0.1,), metric="dot", workers=1, block=6)
    assert result.tar[0.1] == brute_tar(genuine, impostor, 0.1)


def test_lone_identities_and_unsupported_rates_are_in_the_notes():
    rows, labels = tied_set(10, n=30, people=3)
    labels[:2] = [100, 101]
    result = all_pairs(rows, labels, (1e-9,))
    assert result.notes[0].startswith("2 of 5 identities have one image")
    assert "FAR 1e-09 needs 1,000,000,000 impostor pairs" in result.notes[1]


def test_all_scores_equal():
    rows = np.ones((12, 3), np.float32)
    result = all_pairs(rows, np.arange(12) % 3, (0.1, 1.0))
    assert result.tar == {0.1: 0.0, 1.0: 1.0}
    assert result.threshold[0.1] > 1.0 - 1e-6
    assert result.threshold[1.0] == -math.inf
    assert (result.auc, result.eer) == (0.5, 0.5)


def test_bad_input():
    rows, labels = tied_set(11, n=12, people=3)
    bad = rows.copy()
    bad[[3, 5], 1] = np.nan
    with pytest.raises(NumericalError, match="rows 3, 5 of 12 hold NaN or infinity"):
        all_pairs(bad, labels)
    bad[[3, 5]] = np.inf
    with pytest.raises(NumericalError, match="infinity"):
        all_pairs(bad, labels)
    bad[[3, 5]] = 0
    with pytest.raises(NumericalError, match="all zeros"):
        all_pairs(bad, labels)
    with pytest.raises(ShapeError, match=r"labels have shape \(11,\)"):
        all_pairs(rows, labels[:-1])
    with pytest.raises(ShapeError, match=r"expected \(N, E\)"):
        all_pairs(rows[0], labels[:4])
    with pytest.raises(ProtocolError, match="no identity has a genuine pair"):
        all_pairs(rows, np.arange(12))
    with pytest.raises(ProtocolError, match="one identity only"):
        all_pairs(rows, np.zeros(12))
    with pytest.raises(ProtocolError, match="far is 2"):
        all_pairs(rows, labels, 2.0)
    with pytest.raises(UnknownNameError, match="did you mean 'cosine'"):
        all_pairs(rows, labels, metric="cosinus")
    with pytest.raises(UnknownNameError, match="float64"):
        all_pairs(rows, labels, precision="float46")
    with pytest.raises(ConfigError, match="part is 3 of 3"):
        all_pairs_part(rows, labels, part=3, parts=3)
    with pytest.raises(ConfigError, match="block is 0"):
        all_pairs(rows, labels, block=0)
    with pytest.raises(ProtocolError, match="same length of rows"):
        all_pairs(rows, labels, against=(rows[:, :2], labels))
    with pytest.raises(ProtocolError, match="different kinds"):
        all_pairs(rows, labels, against=(rows, labels.astype(str)))
    with pytest.raises(NumericalError, match="too large for metric 'dot'"):
        all_pairs(rows * np.float32(1e30), labels, metric="dot")
