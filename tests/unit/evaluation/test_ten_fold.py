"""Ten-fold verification against its definition in plain loops."""

import math
from itertools import pairwise

import numpy as np
import pytest

from facezoo.errors import NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation import best_threshold, verification
from facezoo.evaluation.metrics.ten_fold import fold_numbers


def tied_pairs(seed, n=400, levels=40):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    same = rng.permutation(np.arange(n) % 2 == 0)
    scores = np.round(np.clip(rng.normal(0.1 + 0.3 * same, 0.2), -1, 1) * levels) / levels
    return scores, same


def share_right(scores, same, threshold):
    return sum((s >= threshold) == g for s, g in zip(scores, same, strict=True)) / len(scores)


def brute_force(scores, same, folds):
    """Tries every midpoint and keeps the highest of the best."""
    accuracies, thresholds = [], []
    for fold in sorted(set(folds.tolist())):
        train, test = folds != fold, folds == fold
        values = sorted(set(scores[train].tolist()))
        candidates = [values[0], *[(a + b) / 2 for a, b in pairwise(values)], values[-1] + 1e-9]
        best = max(candidates, key=lambda t: (share_right(scores[train], same[train], t), t))
        thresholds.append(best)
        accuracies.append(share_right(scores[test], same[test], best))
    return accuracies, thresholds


@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force_with_ties(seed):
    scores, same = tied_pairs(seed)
    result = verification(scores, same)
    accuracies, thresholds = brute_force(scores, same, np.repeat(np.arange(10), 40))
    assert result.fold_accuracies.tolist() == accuracies
    np.testing.assert_allclose(result.thresholds, thresholds, atol=1e-8)
    assert result.accuracy == pytest.approx(sum(accuracies) / 10, abs=1e-12)
    mean = sum(accuracies) / 10
    spread = math.sqrt(sum((a - mean) ** 2 for a in accuracies) / 9)
    assert result.standard_error == pytest.approx(spread / math.sqrt(10), abs=1e-12)


def test_fold_numbers_may_be_given_in_any_order():
    scores, same = tied_pairs(5)
    numbers = np.repeat(np.arange(10), 40)
    order = np.random.default_rng(5).permutation(len(scores))
    shuffled = verification(scores[order], same[order], folds=numbers[order] * 7 + 3)
    plain = verification(scores, same)
    assert shuffled.accuracy == plain.accuracy
    assert (shuffled.thresholds == plain.thresholds).all()


def test_contiguous_folds_are_equal_and_the_first_get_the_remainder():
    assert np.bincount(fold_numbers(10, 6000)).tolist() == [600] * 10
    assert fold_numbers(3, 8).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def insightface_grid(scores, same, folds):
    """The published procedure: 400 squared distances, strict comparison, first best of the other folds."""
    grid = np.arange(0, 4, 0.01)
    distance = 2 - 2 * scores
    accuracies = []
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        right = [np.mean((distance[train] < value) == same[train]) for value in grid]
        accuracies.append(np.mean((distance[test] < grid[int(np.argmax(right))]) == same[test]))
    return accuracies


@pytest.mark.parametrize("seed", range(3))
def test_insightface_rule(seed):
    scores, same = tied_pairs(seed + 10)
    result = verification(scores, same, rule="insightface")
    assert result.fold_accuracies.tolist() == pytest.approx(
        insightface_grid(scores, same, np.repeat(np.arange(10), 40)), abs=0
    )


def test_best_threshold_at_the_ends():
    scores = np.array([0.1, 0.2, 0.3])
    assert best_threshold(scores, np.array([True, True, True])) <= 0.1
    assert best_threshold(scores, np.array([False, False, False])) > 0.3
    equal = np.array([0.5, 0.5])
    assert best_threshold(equal, np.array([True, False])) > 0.5  # both ends equally good: the strict one


def test_adjacent_floats_are_separated():
    low = np.float64(0.5)
    high = np.nextafter(low, 1)
    threshold = best_threshold(np.array([low, high]), np.array([False, True]))
    assert low < threshold <= high


def test_perfect_separation_and_its_inverse():
    same = np.arange(100) % 2 == 0
    good = verification(np.where(same, 0.8, 0.2), same)
    assert (good.accuracy, good.standard_error, good.auc, good.eer) == (1.0, 0.0, 1.0, 0.0)
    assert (good.thresholds == 0.5).all()
    assert verification(np.where(same, 0.2, 0.8), same).auc == 0.0


def test_a_far_with_too_few_pairs_is_in_the_notes():
    scores, same = tied_pairs(6)
    result = verification(scores, same, far=(1e-2, 1e-6))
    assert math.isnan(result.tar[1e-6])
    assert math.isnan(result.val[1e-6])
    assert not math.isnan(result.tar[1e-2])
    assert result.notes == ("FAR 1e-06 needs 1,000,000 impostor pairs; there are 200: not given",)


def test_to_dict_is_json():
    import json

    scores, same = tied_pairs(7)
    out = json.loads(json.dumps(verification(scores, same).to_dict()))
    assert out["pairs"] == 400
    assert len(out["thresholds"]) == 10


@pytest.mark.parametrize(
    "scores, same, folds, error, message",
    [
        ([0.1, 0.2], [1], 2, ShapeError, "2 scores but 1 same flags"),
        ([[0.1]], [[1]], 2, ShapeError, "expected two arrays of shape"),
        ([0.1, np.nan], [1, 0], 2, NumericalError, "score 1 of 2 is nan"),
        ([0.1, np.inf], [1, 0], 2, NumericalError, "score 1 of 2 is inf"),
        ([0.1, 0.2], [1, 1], 2, ProtocolError, "all 2 pairs are genuine"),
        ([0.1, 0.2], [0, 0], 2, ProtocolError, "all 2 pairs are impostor"),
        ([], [], 2, ProtocolError, "all 0 pairs"),
        ([0.1, 0.2], [1, 2], 2, ProtocolError, "same holds"),
        ([0.1, 0.2], [1, 0], 3, ProtocolError, "folds is 3"),
        ([0.1, 0.2], [1, 0], 1, ProtocolError, "folds is 1"),
        ([0.1, 0.2], [1, 0], [0, 0], ProtocolError, "all pairs are in one fold"),
        ([0.1, 0.2], [1, 0], [0], ShapeError, "folds have shape"),
        ([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0], 2, ProtocolError, "one kind of pair only"),
    ],
)
def test_bad_input(scores, same, folds, error, message):
    with pytest.raises(error, match=message):
        verification(np.array(scores), np.array(same), folds=folds)


def test_bad_rule_and_far():
    scores, same = tied_pairs(8)
    with pytest.raises(UnknownNameError, match="insightface"):
        verification(scores, same, rule="insightfaces")
    with pytest.raises(ProtocolError, match="far is 0"):
        verification(scores, same, far=[0.0])
    with pytest.raises(ProtocolError, match="needs cosines"):
        verification(scores * 5, same, rule="insightface")


def test_a_list_that_is_not_mixed_is_said():
    scores, same = tied_pairs(0)
    order = np.argsort(~same, kind="stable")  # genuine pairs first
    assert "folds hold one kind of pair only" in verification(scores[order], same[order]).notes[0]
    assert not any("one kind" in note for note in verification(scores, same).notes)
