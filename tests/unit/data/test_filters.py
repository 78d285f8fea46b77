"""Selections and joins of sources; pairs drawn from identities."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from small_sets import Drawn, make_folder

from facezoo.data.image import read_image
from facezoo.data.sources.encoded import encoded_image
from facezoo.data.sources.filters import Selection, concatenate, drop_small, only_identities, split_identities
from facezoo.data.sources.folder import ImageFolder
from facezoo.data.tools.draw_pairs import draw_pairs
from facezoo.errors import ConfigError, DataError, UnknownNameError


def check(source, expected):
    """``expected``: [(name, key)] of every image."""
    assert [(source.class_names[label], source.key(n)) for n, label in enumerate(source.labels)] == expected
    assert set(source.labels.tolist()) == set(range(source.num_classes))
    assert source.labels.dtype == np.int64
    for n in range(len(source)):
        assert np.array_equal(read_image(encoded_image(source, n)), source.image(n))


def test_drop_small():
    source = Drawn({"a": 1, "b": 3, "c": 2, "d": 1})
    check(drop_small(source, 2), [("b", f"drawn {n}") for n in (1, 2, 3)] + [("c", f"drawn {n}") for n in (4, 5)])
    assert drop_small(source, 1) is source
    with pytest.raises(DataError, match="no identity has 4 images; the largest of 4 has 3"):
        drop_small(source, 4)
    with pytest.raises(ConfigError, match="min_images is 0"):
        drop_small(source, 0)


def test_only_identities():
    source = Drawn({"a": 1, "b": 2, "c": 1})
    check(only_identities(source, ["c", "a"]), [("a", "drawn 0"), ("c", "drawn 3")])
    with pytest.raises(UnknownNameError, match="unknown identity 'bb'; did you mean 'b'"):
        only_identities(source, ["bb"])
    with pytest.raises(DataError, match="none of the 4 images is left"):
        only_identities(source, [])


def test_selection_in_another_order_keeps_stored_bytes(tmp_path):
    folder = ImageFolder(make_folder(tmp_path, {"a": 2, "b": 2}))
    part = Selection(folder, np.array([3, 0]))
    assert part.labels.tolist() == [1, 0]
    assert part.encoded(0) == folder.encoded(3)
    assert pickle.loads(pickle.dumps(part)).key(1) == folder.key(0)


def test_concatenate():
    first, second = Drawn({"a": 1, "b": 1}), Drawn({"b": 2, "c": 1})
    with pytest.raises(DataError, match="1 identities are in both sets, such as 'b'"):
        concatenate(first, second)
    merged = concatenate(first, second, same_names="merge")
    names = ["a", "b", "b", "b", "c"]
    check(merged, list(zip(names, [f"drawn {n}" for n in (0, 1, 0, 1, 2)], strict=True)))
    apart = concatenate(first, second, same_names="apart")
    assert apart.class_names == ["a", "b", "b#2", "c"]
    assert apart.labels.tolist() == [0, 1, 2, 2, 3]
    assert concatenate(first, Drawn({"x": 1})).class_names == ["a", "b", "x"]
    with pytest.raises(IndexError):
        merged.image(5)
    with pytest.raises(UnknownNameError, match="'merged'; did you mean 'merge'"):
        concatenate(first, second, same_names="merged")


def test_apart_never_repeats_a_name():
    first, second = Drawn({"b": 1, "b#2": 1}), Drawn({"b": 1, "b#2": 1})
    names = concatenate(first, second, same_names="apart").class_names
    assert len(set(names)) == 4


def test_split_holds_out_identities():
    source = Drawn({f"p{n}": 1 + n % 3 for n in range(40)})
    train, held = split_identities(source, 0.25, seed=1)
    assert (train.num_classes, held.num_classes) == (30, 10)
    assert not set(train.class_names) & set(held.class_names)
    assert len(train) + len(held) == len(source)
    again = split_identities(source, 0.25, seed=1)[1]
    assert again.class_names == held.class_names
    assert split_identities(source, 0.25, seed=2)[1].class_names != held.class_names


def test_split_depends_on_names_only():
    counts = {f"p{n}": 2 for n in range(20)}
    backwards = dict(reversed([(name, 5) for name in counts]))
    held = split_identities(Drawn(counts), 0.3)[1]
    assert sorted(split_identities(Drawn(backwards), 0.3)[1].class_names) == sorted(held.class_names)


def test_each_part_of_a_split_has_an_identity():
    two = Drawn({"a": 1, "b": 1})
    for share in (0.001, 0.999):
        assert [part.num_classes for part in split_identities(two, share)] == [1, 1]
    for share in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(ConfigError, match="cannot hold out"):
            split_identities(two, share)
    with pytest.raises(ConfigError, match="of 1 identities"):
        split_identities(Drawn({"a": 3}), 0.5)


def test_pairs_match_their_labels_and_folds_share_no_identity():
    labels = np.repeat(np.arange(60), 4)
    pairs, same = draw_pairs(labels, 600, seed=3)
    assert pairs.shape == (600, 2)
    assert same.sum() == 300
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert np.array_equal(labels[pairs[:, 0]] == labels[pairs[:, 1]], same)
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == 600
    folds = [set(labels[part].ravel()) for part in np.split(pairs, 10)]
    assert sum(map(len, folds)) == len(set.union(*folds))
    for part in np.split(same, 10):
        assert part.tolist() == [True] * 30 + [False] * 30
    again = draw_pairs(labels, 600, seed=3)[0]
    assert np.array_equal(again, pairs)
    assert not np.array_equal(draw_pairs(labels, 600, seed=4)[0], pairs)


def test_few_identities_give_few_pairs():
    pairs, same = draw_pairs(np.array([0, 0, 1, 1, 2]), 6000)
    assert len(pairs) == 2 * 2  # two genuine pairs exist
    assert same.tolist() == [True, True, False, False]
    for labels in ([0, 0, 0], [0, 1, 2], []):
        with pytest.raises(DataError, match="allow no pairs"):
            draw_pairs(np.array(labels, np.int64), 10)
