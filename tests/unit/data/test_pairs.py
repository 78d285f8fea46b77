"""Verification pairs: balanced, all different, folds of different people."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.data.pairs import verification_pairs
from facezoo.errors import ConfigError, DataError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(100, 140), 5))


@pytest.mark.parametrize("n_pairs, folds", [(400, 10), (60, 3), (20, 10)])
def test_folds_are_balanced_and_share_no_identity(n_pairs, folds):
    pairs = verification_pairs(LABELS, n_pairs, seed=1, folds=folds)
    assert len(pairs) == n_pairs
    assert (pairs.first.dtype, pairs.same.dtype, pairs.folds.dtype) == (np.int64, np.bool_, np.int64)
    np.testing.assert_array_equal(LABELS[pairs.first] == LABELS[pairs.second], pairs.same)
    people = []
    for fold in range(folds):
        mine = pairs.folds == fold
        assert pairs.same[mine].sum() == n_pairs // (2 * folds) == mine.sum() // 2
        people.append(set(LABELS[pairs.first[mine]]) | set(LABELS[pairs.second[mine]]))
    assert sum(map(len, people)) == len(set.union(*people))


def test_no_pair_comes_twice_and_none_with_itself():
    pairs = verification_pairs(LABELS, 400)
    unordered = {frozenset(pair) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert len(unordered) == 400
    assert all(len(pair) == 2 for pair in unordered)


def test_every_possible_pair_can_be_asked_for():
    labels = np.repeat(np.arange(4), 3)  # a fold of two people makes 6 genuine and 9 impostor pairs
    pairs = verification_pairs(labels, 24, folds=2)
    assert pairs.same.sum() == 12
    with pytest.raises(DataError, match="7 genuine pairs asked of a fold; its 6 images make 6"):
        verification_pairs(labels, 28, folds=2)


def test_identities_with_one_image_serve_as_impostors_only():
    labels = np.array([0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4, 5, 6, 7])
    for seed in range(10):
        try:
            pairs = verification_pairs(labels, 8, seed=seed, folds=2)
        except DataError:
            continue  # both people with several images fell into one fold
        assert set(labels[pairs.first[pairs.same]]) == {0, 4}
        break
    else:
        pytest.fail("no seed put the two people into different folds")


def test_seed_decides():
    first, again = (verification_pairs(LABELS, 400, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.first, again.first)
    np.testing.assert_array_equal(first.second, again.second)
    assert not np.array_equal(first.first, verification_pairs(LABELS, 400, seed=6).first)


def test_bad_requests():
    with pytest.raises(ConfigError, match="n_pairs is 30; expected a multiple of 20"):
        verification_pairs(LABELS, 30)
    with pytest.raises(ConfigError, match="folds is 1"):
        verification_pairs(LABELS, 20, folds=1)
    with pytest.raises(DataError, match="19 identities; expected 20 or more"):
        verification_pairs(np.repeat(np.arange(19), 5), 20)
