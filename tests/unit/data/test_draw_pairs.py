"""Verification pairs: balanced, all different, no identity in two folds."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.data.tools.draw_pairs import FOLDS, draw_pairs
from facezoo.errors import DataError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(100, 140), 5))


@pytest.mark.parametrize("wanted", [400, 100, 20])
def test_folds_are_balanced_and_share_no_identity(wanted):
    pairs, same = draw_pairs(LABELS, wanted, seed=1)
    assert (pairs.shape, pairs.dtype, same.dtype) == ((wanted, 2), np.int64, np.bool_)
    np.testing.assert_array_equal(LABELS[pairs[:, 0]] == LABELS[pairs[:, 1]], same)
    people = []
    for fold in range(FOLDS):
        mine = slice(fold * wanted // FOLDS, (fold + 1) * wanted // FOLDS)
        half = wanted // (2 * FOLDS)
        assert same[mine].tolist() == [True] * half + [False] * half
        people.append(set(LABELS[pairs[mine]].ravel()))
    assert sum(map(len, people)) == len(set.union(*people))


def test_no_pair_comes_twice_and_none_with_itself():
    pairs, _ = draw_pairs(LABELS, 400)
    unordered = {frozenset(pair) for pair in pairs.tolist()}
    assert len(unordered) == 400
    assert all(len(pair) == 2 for pair in unordered)


def test_identities_with_one_image_serve_as_impostors_only():
    labels = np.concatenate([np.repeat(np.arange(12), 4), np.arange(12, 60)])
    pairs, same = draw_pairs(labels, 100)
    assert labels[pairs[same]].max() < 12
    assert labels[pairs[~same]].max() >= 12


def test_pairs_depend_on_the_seed():
    for first, again in zip(draw_pairs(LABELS, 400, seed=5), draw_pairs(LABELS, 400, seed=5), strict=True):
        np.testing.assert_array_equal(first, again)
    assert not np.array_equal(draw_pairs(LABELS, 400, seed=5)[0], draw_pairs(LABELS, 400, seed=6)[0])


@pytest.mark.parametrize("labels", [np.zeros(9, np.int64), np.arange(9)])
def test_without_two_people_or_two_images_there_are_none(labels):
    with pytest.raises(DataError, match="allow no pairs"):
        draw_pairs(labels, 20)
