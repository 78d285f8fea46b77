"""Groups at one shared threshold, against explicit counts."""

import numpy as np
import pytest

from facezoo.errors import ProtocolError, ShapeError
from facezoo.evaluation.metrics.fairness import fairness_of_all_pairs, fairness_of_pairs


def test_pairs_by_group():
    rng = np.random.default_rng(0)
    same = np.arange(600) % 2 == 0
    groups = np.repeat(["a", "b", "c"], 200)
    scores = np.round(rng.normal(0.5 * same + 0.1 * (groups == "b"), 0.2), 2)
    result = fairness_of_pairs(scores, same, groups, fmr=0.05)
    assert np.mean(scores[~same] >= result.threshold) <= 0.05
    for name, found in result.groups.items():
        inside = groups == name
        assert found.fmr == np.mean(scores[inside & ~same] >= result.threshold)
        assert found.fnmr == np.mean(scores[inside & same] < result.threshold)
        assert found.fmr_interval[0] <= found.fmr <= found.fmr_interval[1]
    rates = [found.fmr for found in result.groups.values()]
    assert result.fmr_spread == max(rates) - min(rates)
    assert result.fmr_ratio == max(rates) / min(rates)
    assert result.to_dict()["groups"]["a"]["genuine"] == 100


def test_a_group_without_errors_has_no_finite_ratio():
    scores = np.array([0.9, 0.1, 0.2, 0.9])
    same = np.array([True, False, True, False])
    result = fairness_of_pairs(scores, same, ["x", "x", "y", "y"], threshold=0.5)
    assert result.fmr_ratio == float("inf")
    assert "group x has no error: the worst FMR ratio has no finite value" in result.notes
    clean = fairness_of_pairs(scores[[0, 1, 0, 1]], same[[0, 1, 0, 1]], ["x", "x", "y", "y"], threshold=0.5)
    assert clean.fmr_ratio == 1.0


def test_all_pairs_by_group():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 20, 160)
    groups = np.where(labels < 8, "young", "old")
    rows = rng.normal(size=(20, 8))[labels] + rng.normal(size=(160, 8))
    result = fairness_of_all_pairs(rows, labels, groups, fmr=0.02)
    unit = rows.astype(float) / np.linalg.norm(rows, axis=1, keepdims=True)
    scores = (unit @ unit.T).astype(np.float32)
    upper = np.triu(np.ones((160, 160), bool), 1)
    same = labels[:, None] == labels
    assert np.mean(scores[upper & ~same] >= np.float32(result.threshold)) <= 0.02
    for name in ("young", "old"):
        inside = upper & (groups == name)[:, None] & (groups == name)
        accepted = scores >= np.float32(result.threshold)
        assert result.groups[name].fmr == pytest.approx(np.mean(accepted[inside & ~same]))
        assert result.groups[name].fnmr == pytest.approx(np.mean(~accepted[inside & same]))


def test_bad_groups():
    scores, same = np.array([0.9, 0.1]), np.array([True, False])
    with pytest.raises(ProtocolError, match="one group only, x"):
        fairness_of_pairs(scores, same, ["x", "x"], threshold=0.5)
    with pytest.raises(ShapeError, match="one per pair"):
        fairness_of_pairs(scores, same, ["x"], threshold=0.5)
    with pytest.raises(ProtocolError, match="needs 1,000 impostor"):
        fairness_of_pairs(scores, same, ["x", "y"])
    rows, labels = np.eye(4)[[0, 0, 1, 1, 2, 3]], np.array([0, 0, 1, 1, 2, 3])
    with pytest.raises(ProtocolError, match="group y: no identity has a genuine pair"):
        fairness_of_all_pairs(rows, labels, np.array(list("xxxxyy")), fmr=0.5)
    with pytest.raises(ShapeError, match="one per image"):
        fairness_of_all_pairs(rows, labels, ["x"], fmr=0.5)
