"""Intervals and comparisons against SciPy, scikit-learn and simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from facezoo.errors import DataError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation import clopper_pearson, wilson
from facezoo.evaluation.metrics.compare import (
    compare_decisions,
    compare_tar,
    compare_verification,
    difference_interval,
    mcnemar,
)
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import bootstrap_rate, bootstrap_subjects
from facezoo.evaluation.statistics.calibration import Calibration, calibrate, card_path, operating_point
from facezoo.evaluation.statistics.probability import fit_isotonic, fit_logistic
from facezoo.evaluation.statistics.weighted import WeightedCurve


@pytest.mark.parametrize("hits, trials", [(0, 10), (10, 10), (3, 7), (5970, 6000), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_binomial_intervals_equal_scipy(hits, trials, confidence):
    test = stats.binomtest(hits, trials)
    exact, score = test.proportion_ci(confidence, "exact"), test.proportion_ci(confidence, "wilson")
    assert clopper_pearson(hits, trials, confidence) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert wilson(hits, trials, confidence) == pytest.approx((score.low, score.high), abs=1e-12)


def test_bad_intervals():
    for function in (wilson, clopper_pearson):
        for hits, trials in [(1, 0), (3, 2), (-1, 2)]:
            with pytest.raises(ProtocolError, match="is not a share"):
                function(hits, trials)
        with pytest.raises(ProtocolError, match="confidence is 95"):
            function(1, 2, 95)


def test_subject_bootstrap_accounts_for_clusters():
    """40 subjects with 25 identical trials each are 40 trials, not 1000."""
    rng = np.random.default_rng(0)
    good = rng.random(40) < 0.7
    low, high = bootstrap_rate(good * 25, np.full(40, 25))
    share = good.mean()
    expected = 1.96 * math.sqrt(share * (1 - share) / 40)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.15)
    naive = wilson(int(good.sum() * 25), 1000)
    assert high - low > 3 * (naive[1] - naive[0])
    assert bootstrap_rate(good * 25, np.full(40, 25)) == (low, high)
    with pytest.raises(ProtocolError, match="1 subjects have trials"):
        bootstrap_rate(np.array([1, 0]), np.array([2, 0]))
    with pytest.raises(ProtocolError, match="rounds is 5"):
        bootstrap_rate(good, good, rounds=5)


def test_bootstrap_of_pairs_by_people():
    people = np.arange(300)
    values = np.random.default_rng(1).random(300) < 0.4
    low, high = bootstrap_subjects(lambda w: float(w @ values / w.sum()), people, people)
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(0.24 / 300), rel=0.2)
    with pytest.raises(ProtocolError, match="too few subjects"):
        bootstrap_subjects(lambda w: float("nan"), people, people, rounds=100)


@pytest.mark.parametrize("one, two", [(0, 0), (0, 5), (7, 2), (30, 31)])
def test_mcnemar_equals_the_binomial_test(one, two):
    expected = stats.binomtest(one, one + two).pvalue if one + two else 1.0
    assert mcnemar(one, two) == pytest.approx(expected)


def test_difference_interval_covers():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(500):
        cells = rng.multinomial(400, [0.9, 0.04, 0.02, 0.04])
        low, high = difference_interval(int(cells[1]), int(cells[2]), 400)
        inside += low <= 0.02 <= high
    assert 0.93 <= inside / 500 <= 0.98


def test_the_sentence_for_models_without_a_significant_difference():
    rng = np.random.default_rng(3)
    first = rng.random(6000) < 0.997
    second = first.copy()
    second[rng.choice(6000, 6, replace=False)] ^= True
    result = compare_decisions(first, second)
    assert not result.distinguishable
    assert "cannot be told apart on these 6,000 pairs" in result.sentence
    same = compare_decisions(first, first)
    assert (same.difference, same.p_value, same.distinguishable) == (0.0, 1.0, False)
    assert same.interval[0] < 0 < same.interval[1]


def test_the_sentence_for_models_that_differ():
    rng = np.random.default_rng(4)
    first, second = rng.random(6000) < 0.99, rng.random(6000) < 0.95
    result = compare_decisions(first, second)
    assert result.distinguishable
    assert result.sentence.endswith("the first model is better")
    assert compare_decisions(second, first).sentence.endswith("the second model is better")
    people = rng.integers(0, 900, (2, 6000))
    by_people = compare_decisions(first, second, subjects=(people[0], people[1]), rounds=100)
    assert by_people.interval[0] <= result.interval[0]
    assert by_people.interval[1] >= result.interval[1]


def scored(seed, n=2000, gap=0.5):
    rng = np.random.default_rng(seed)
    same = np.arange(n) % 2 == 0
    return np.clip(rng.normal(gap * same, 0.2), -1, 1), same


def test_weighted_curve_with_integer_weights_equals_repeated_pairs():
    scores, same = scored(5, 200)
    scores = np.round(scores, 1)
    weights = np.random.default_rng(5).integers(0, 4, 200)
    repeated = Roc.from_scores(np.repeat(scores, weights), np.repeat(same, weights))
    curve = WeightedCurve(scores, same)
    assert curve.tar(weights.astype(float), 0.05) == pytest.approx(repeated.tar_at_far(0.05)[0.05])
    assert curve.auc(weights.astype(float)) == pytest.approx(repeated.auc())
    assert curve.eer(weights.astype(float)) == pytest.approx(repeated.eer())
    for value in (curve.tar(np.zeros(200), 0.05), curve.auc(np.zeros(200)), curve.eer(np.zeros(200))):
        assert math.isnan(value)


def test_tar_comparison():
    one, same = scored(6)
    two, _ = scored(7, gap=0.7)
    result = compare_tar(one, two, same, 0.01, rounds=100)
    assert result.distinguishable
    assert result.difference < 0
    assert result.first == Roc.from_scores(one, same).tar_at_far(0.01)[0.01]
    assert not compare_tar(one, one, same, 0.01, rounds=100).distinguishable
    with pytest.raises(ProtocolError, match="needs 1,000,000 impostor pairs"):
        compare_tar(one, two, same, 1e-6)


def test_verification_comparison_and_mismatch():
    one, same = scored(8)
    two, _ = scored(9, gap=0.8)
    result = compare_verification(one, two, same)
    assert result.second > result.first
    with pytest.raises(ShapeError, match="expected the same pairs"):
        compare_decisions(np.ones(3), np.ones(4))


def test_operating_point_covers_the_true_threshold():
    rng = np.random.default_rng(10)
    truth = stats.norm.ppf(0.99)
    inside = 0
    for _ in range(200):
        scores = np.concatenate([rng.normal(size=2000), [9.0]])
        point = operating_point(scores, np.arange(2001) == 2000, 0.01)
        inside += point.threshold_interval[0] <= truth <= point.threshold_interval[1]
        assert point.fmr <= 0.01
    assert inside >= 0.92 * 200


def test_an_end_of_the_interval_with_too_few_pairs_is_none():
    scores, same = scored(11, 2000)
    point = operating_point(scores, same, 0.001)
    assert point.threshold_interval[1] is None
    with pytest.raises(ProtocolError, match="needs 10,000 impostor pairs"):
        operating_point(scores, same, 1e-4)


def test_logistic_equals_scikit_learn():
    scores, same = scored(12, 20000)
    ours = fit_logistic(scores, same, prior=None)
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(scores[:, None], same)
    grid = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(ours.probability(grid), theirs.predict_proba(grid[:, None])[:, 1], atol=2e-3)


def test_logistic_of_separable_pairs_and_of_a_prior():
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    same = np.array([False, False, True, True])
    fit = fit_logistic(scores, same)
    assert 1 < fit.slope < 1000
    assert fit.probability(0.5) == pytest.approx(0.5, abs=1e-6)
    big, flags = scored(13, 20000)
    even, rare = fit_logistic(big, flags, 0.5), fit_logistic(big, flags, 0.01)
    assert rare.slope == pytest.approx(even.slope, rel=0.15)  # clipped scores are no exact logistic
    assert rare.probability(0.25) < even.probability(0.25)
    with pytest.raises(ProtocolError, match="prior is 1"):
        fit_logistic(scores, same, 1.0)


@pytest.mark.parametrize("prior", [None, 0.2])
def test_isotonic_equals_scikit_learn(prior):
    scores, same = scored(14, 500)
    scores = np.round(scores, 2)
    ours = fit_isotonic(scores, same, prior)
    weights = None if prior is None else np.where(same, prior / same.mean(), (1 - prior) / (1 - same.mean()))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, same, sample_weight=weights)
    np.testing.assert_allclose(ours.probability(scores), theirs.predict(scores), atol=1e-9)
    assert (np.diff(ours.scores) > 0).all()


def test_calibration_is_stored_and_read(tmp_path):
    scores, same = scored(15, 4000)
    found = calibrate(scores, same, (1e-2, 1e-3), source={"protocol": "lfw"})
    path = card_path(tmp_path / "model.safetensors")
    found.save(path)
    read = Calibration.load(path)
    assert path.name == "model.calibration.json"
    assert read.points == found.points
    assert read.threshold(1e-2) < read.threshold(1e-3)
    grid = np.linspace(-1, 1, 9)
    for how in ("logistic", "isotonic"):
        assert (read.probability(grid, how) == found.probability(grid, how)).all()
    with pytest.raises(UnknownNameError, match=r"0\.01"):
        read.threshold(0.02)
    with pytest.raises(UnknownNameError, match="logistic"):
        read.probability(0.1, "logistics")


def test_bad_calibration_files(tmp_path):
    path = tmp_path / "c.json"
    for text, message in [
        ("{", "cannot read"),
        ("[]", "holds a list"),
        ('{"format": 7}', "format 7"),
        ('{"format": 1}', "missing or unknown"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            Calibration.load(path)
    with pytest.raises(DataError, match="No such file"):
        Calibration.load(tmp_path / "none.json")
