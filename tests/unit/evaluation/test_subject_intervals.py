"""Intervals cover the true figure when the trials of a person resemble each other."""

import numpy as np

from facezoo.evaluation.metrics.search import identification
from facezoo.evaluation.protocols.tasks.templates import Pairs, subjects_of
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import share_interval
from facezoo.evaluation.statistics.identities import Identities
from facezoo.evaluation.statistics.intervals import wilson

SETS = 200


def inside(value, ends):
    return ends[0] <= value <= ends[1]


def test_share_of_clustered_trials():
    rng = np.random.default_rng(0)
    shares = rng.beta(2, 0.5, (SETS, 60))  # of each person; the mean is 0.8
    hits = rng.binomial(20, shares)
    totals = np.full(60, 20)
    assert sum(inside(0.8, share_interval(row, totals)) for row in hits) >= 0.9 * SETS
    assert sum(inside(0.8, wilson(int(row.sum()), 1200)) for row in hits) < 0.75 * SETS
    assert share_interval(np.array([5, 5]), np.array([5, 5])) == wilson(10, 10)  # no error: not certain
    assert share_interval(np.array([3]), np.array([5]), 0.9) == wilson(3, 5, 0.9)


def test_tar_of_templates():
    rng = np.random.default_rng(1)
    people, each = 40, 12
    first = np.repeat(np.arange(people), each)
    one, two = rng.integers(0, people, (2, 3000))
    two = np.where(one == two, (two + 1) % people, two)
    same = np.arange(len(first) + 3000) < len(first)
    truth = 0.3717  # P(N(2, 1) >= 2.3263), the quantile 0.99 of N(0, 1), by a normal table
    covered = narrow = 0
    for _ in range(60):
        genuine = 2 + 0.8 * rng.normal(size=people)[first] + 0.6 * rng.normal(size=len(first))
        scores = np.concatenate([genuine, rng.normal(size=3000)])
        pairs = Pairs(scores, same, np.append(first, one), np.append(first, two), 0.95)
        roc = Roc.from_scores(scores, same)
        covered += inside(truth, pairs.intervals(roc, [0.01])[0][0.01])
        narrow += inside(truth, wilson(roc.accepted_at(0.01), roc.genuine))
    assert covered >= 54
    assert narrow < 48


def test_eer_of_all_pairs():
    """The width of the interval agrees with the spread of the figure over many sets."""
    rng = np.random.default_rng(2)
    people, each = 100, 10
    sizes = np.full(people, each)
    impostor = np.sort(rng.normal(size=200_000))
    found, widths = [], []
    for _ in range(60):
        genuine = (2 + np.repeat(0.7 * rng.normal(size=people), each) + 0.7 * rng.normal(size=people * each)).astype(
            "f4"
        )
        scores, counts = np.unique(genuine, return_counts=True)
        ranks = [len(impostor) - np.searchsorted(impostor, scores, side=side) for side in ("left", "right")]
        roc = Roc.from_ranks(scores, counts, *ranks, len(impostor))
        found.append(roc.eer())
        low, high = Identities(genuine, sizes, 0.95).intervals(roc, {})[1]
        assert low <= roc.eer() <= high
        widths.append(high - low)
    assert 0.75 < np.mean(widths) / (2 * 1.96 * np.std(found)) < 1.3


def test_rank_intervals_use_the_confidence():
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(30, 4))
    who = np.repeat(np.arange(30), 8)
    probes = centres[who] + 0.8 * rng.normal(size=(240, 4))
    ends = [
        identification(probes, who, centres, np.arange(30), confidence=share).rank_interval[1] for share in (0.5, 0.99)
    ]
    assert ends[1][0] < ends[0][0] < ends[0][1] < ends[1][1]


def test_subjects_are_the_templates_that_genuine_pairs_link():
    found = subjects_of(np.array([0, 1, 4]), np.array([1, 2, 5]), 6)
    assert len({*found[:3]}) == 1
    assert len({found[0], found[3], found[4]}) == 3
    assert found[4] == found[5]
