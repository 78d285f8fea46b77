"""The exact ROC against scikit-learn and against explicit counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from facezoo.errors import ProtocolError
from facezoo.evaluation import Roc, threshold_at_far
from facezoo.evaluation.scores.checks import allowed


def tied(seed, n=300, levels=25):
    rng = np.random.default_rng(seed)
    same = rng.random(n) < 0.3
    same[:2] = [True, False]
    return np.round(rng.normal(0.4 * same, 0.3) * levels) / levels, same


def sklearn_eer(scores, same):
    fpr, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    gap = fpr - (1 - tpr)
    after = int(np.argmax(gap >= 0))
    if after == 0:
        return fpr[0]
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    return fpr[after - 1] + share * (fpr[after] - fpr[after - 1])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), levels=st.sampled_from([2, 5, 25, 10_000]))
def test_against_scikit_learn(seed, levels):
    scores, same = tied(seed, levels=levels)
    roc = Roc.from_scores(scores, same)
    assert roc.auc() == pytest.approx(roc_auc_score(same, scores), abs=1e-12)
    assert roc.eer() == pytest.approx(sklearn_eer(scores, same), abs=1e-12)
    fpr, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    for far in (0.5, 0.1, 0.03, 0.01):
        if roc.supports(far):
            assert roc.tar_at_far(far)[far] == pytest.approx(tpr[fpr <= far].max(), abs=1e-12)
    fmr, tar = roc.points()
    assert (np.diff(fmr) >= 0).all()
    assert (np.diff(tar) >= 0).all()
    assert np.diff(fmr) @ (tar[1:] + tar[:-1]) / 2 == pytest.approx(roc.auc(), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_roc_does_not_depend_on_order_or_duplication(seed):
    scores, same = tied(seed, n=60)
    roc = Roc.from_scores(scores, same)
    order = np.random.default_rng(seed).permutation(60)
    moved = Roc.from_scores(np.exp(scores[order]), same[order])
    twice = Roc.from_scores(np.tile(scores, 2), np.tile(same, 2))
    for other in (moved, twice):
        assert other.auc() == pytest.approx(roc.auc(), abs=1e-12)
        assert other.eer() == pytest.approx(roc.eer(), abs=1e-12)
        assert other.tar_at_far(0.1)[0.1] == pytest.approx(roc.tar_at_far(0.1)[0.1], abs=1e-12)


def test_threshold_is_the_smallest_with_the_rate():
    for seed in range(5):
        scores, same = tied(seed)
        impostor = scores[~same]
        for far in (0.5, 0.1, 0.01, 1e-5):
            limit = threshold_at_far(impostor, far)
            assert np.mean(impostor >= limit) <= far
            assert np.mean(impostor >= np.nextafter(limit, -np.inf)) > far
    assert threshold_at_far(impostor, 1.0) == -math.inf


def test_rates_are_compared_as_shares():
    assert allowed(1e-5, 100_000) == 1
    assert allowed(1e-9, 3_330_000_000) == 3
    for total in (7, 10, 49, 3000):
        for count in range(total + 1):
            assert allowed(count / total, total) == count


def test_fnmr_and_far_at_tar():
    roc = Roc.from_scores(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), np.array([1, 0, 1, 0, 1, 0]))
    assert roc.fnmr_at_fmr(1 / 3)[1 / 3] == pytest.approx(1 / 3)
    assert roc.far_at_tar(0.34) == pytest.approx(1 / 3)
    assert roc.far_at_tar(1.0) == pytest.approx(2 / 3)
    with pytest.raises(ProtocolError, match="tar is 0"):
        roc.far_at_tar(0)


def test_one_class_is_refused():
    with pytest.raises(ProtocolError, match="all 3 pairs are genuine"):
        Roc.from_scores(np.arange(3.0), np.ones(3, bool))
