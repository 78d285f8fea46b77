"""Intervals of many listed pairs: equal to those of all pairs weighed one by one."""

from functools import partial

import numpy as np
import pytest

from facezoo.evaluation.protocols.tasks.templates import Pairs
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import bootstrap_subjects
from facezoo.evaluation.statistics.many_pairs import ManyPairs
from facezoo.evaluation.statistics.weighted import Curve, WeightedCurve


@pytest.fixture(scope="module")
def pairs():
    """Scores, kinds and people of 400 genuine and 6,000 impostor pairs; some scores and some people occur often."""
    rng = np.random.default_rng(5)
    one = np.concatenate([np.repeat(np.arange(40), 10), rng.integers(0, 40, 6000)])
    two = np.concatenate([one[:400], rng.integers(0, 41, 6000)])  # 40 is in impostor pairs only; some are of one person
    same = np.arange(6400) < 400
    scores = np.where(same, 2.2, 0) + 0.5 * rng.normal(size=41)[two] + rng.normal(size=6400)
    return scores.round(2), same, 3 * one, 3 * two


@pytest.mark.parametrize("kept", [6000, 1500, 700])
def test_equal_to_weighing_every_pair(pairs, kept):
    scores, same, one, two = pairs
    curve = WeightedCurve(scores, same)
    wanted = {far: bootstrap_subjects(partial(curve.tar, far=far), one, two, rounds=400) for far in (0.001, 0.01, 0.05)}
    many = ManyPairs(scores, same, one, two, kept=kept)
    figures = {far: partial(Curve.tar_at, far=far) for far in wanted}
    found = many.intervals({**figures, "EER": Curve.eer, "AUC": Curve.auc})
    assert many.whole == (kept == 6000)
    for far, ends in wanted.items():
        np.testing.assert_allclose(found[far], ends, rtol=0, atol=1e-12)
    if kept != 700:  # the EER lies near 14 %: 1,500 pairs hold the threshold of every resample
        np.testing.assert_allclose(
            found["EER"], bootstrap_subjects(curve.eer, one, two, rounds=400), rtol=0, atol=1e-12
        )
    if kept == 6000:
        np.testing.assert_allclose(
            found["AUC"], bootstrap_subjects(curve.auc, one, two, rounds=400), rtol=0, atol=1e-12
        )
    else:
        assert np.isnan(found["AUC"]).all()


def test_every_figure_has_an_interval_however_few_are_kept(pairs):
    scores, same, one, two = pairs
    roc = Roc.from_scores(scores, same)
    for kept in (6000, 100):
        people = Pairs(scores, same, one, two, 0.95, kept=kept)
        tars, eer, auc = people.intervals(roc, [0.001, 0.1])
        for value, (low, high) in ((roc.eer(), eer), (roc.auc(), auc), (roc.tar_at_far([0.1])[0.1], tars[0.1])):
            assert low < value < high
            assert high - low < 0.2
        assert ("hold the impostor pairs fixed" in people.note) == (kept == 100)
