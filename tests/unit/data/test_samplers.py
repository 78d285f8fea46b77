"""Epoch orders: every image once, resumable, the same for any number of processes."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.data.loading.samplers import (
    SAMPLERS,
    IdentitySampler,
    SequentialSampler,
    ShuffledSampler,
    WeightedSampler,
    create_sampler,
    occurrences,
)
from facezoo.errors import ConfigError, DataError, UnknownNameError

LABELS = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 58])  # a long tail, n = 103


def build(name, **options):
    if name == "identities":
        options = {"identities": 4, "images": 2, **options}
        options.pop("batch_size", None)
    else:
        options.setdefault("batch_size", 8)
    return create_sampler(name, LABELS, **options)


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_order_is_a_function_of_seed_and_epoch(name):
    same = build(name, seed=3).order(5)
    assert same.dtype == np.int64
    np.testing.assert_array_equal(same, build(name, seed=3).order(5))
    if name != "sequential":
        assert not np.array_equal(same, build(name, seed=4).order(5))
        assert not np.array_equal(same, build(name, seed=3).order(6))


@pytest.mark.parametrize("name", list(SAMPLERS))
@pytest.mark.parametrize("start", [0, 1, 7])
def test_starting_in_the_middle_continues_the_same_epoch(name, start):
    sampler = build(name, seed=1)
    whole = list(sampler.batches(2))
    rest = list(sampler.batches(2, start_batch=start))
    assert len(whole) == len(sampler)
    np.testing.assert_array_equal(rest, whole[start:])


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_processes_share_the_steps_of_one(name):
    options = {"identities": 6, "images": 2} if name == "identities" else {"batch_size": 12}
    shares = [
        build(name, world_size=3, rank=rank, **({} if name == "identities" else {"batch_size": 4})) for rank in range(3)
    ]
    steps = [np.concatenate(parts) for parts in zip(*(list(share.batches(0)) for share in shares), strict=True)]
    if name == "identities":  # the groups of a step depend on P, so compare with the order itself
        np.testing.assert_array_equal(np.concatenate(steps), shares[0].order(0))
    else:
        np.testing.assert_array_equal(steps, list(build(name, **options).batches(0)))


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_every_image_comes_once_and_an_incomplete_step_is_split(world_size):
    shares = [
        ShuffledSampler(LABELS, batch_size=10, world_size=world_size, rank=rank, drop_last=False)
        for rank in range(world_size)
    ]
    seen = [batch for share in shares for batch in share.batches(0)]
    assert [len(list(share.batches(0))) for share in shares] == [len(share) for share in shares]
    assert sorted(np.concatenate(seen)) == list(range(len(LABELS)))
    kept = ShuffledSampler(LABELS, batch_size=10)
    assert [len(batch) for batch in kept.batches(0)] == [10] * 10


def test_sequential_keeps_the_order():
    batches = list(SequentialSampler(LABELS, batch_size=50, drop_last=False).batches(4))
    assert [len(batch) for batch in batches] == [50, 50, 3]
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(103))


def test_weighted_without_power_is_a_permutation():
    assert sorted(WeightedSampler(LABELS, batch_size=8, power=0.0).order(0)) == list(range(len(LABELS)))


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_weighted_draws_each_identity_as_often_as_stated(power):
    counts = np.bincount(LABELS)
    expected = counts ** (1.0 - power) / (counts ** (1.0 - power)).sum()
    sampler = WeightedSampler(LABELS, batch_size=8, power=power)
    orders = [sampler.order(epoch) for epoch in range(200)]
    assert {len(order) for order in orders} == {len(LABELS)}
    drawn = np.bincount(LABELS[np.concatenate(orders)]) / (200 * len(LABELS))
    np.testing.assert_allclose(drawn, expected, rtol=0.05)


def test_identity_batches_hold_p_different_identities_with_k_images():
    sampler = IdentitySampler(LABELS, identities=4, images=3, seed=2)
    assert sampler.batch_size == 12
    for batch in sampler.batches(0):
        groups = LABELS[batch].reshape(4, 3)
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0])) == 4
        for group in batch.reshape(4, 3):
            assert len(set(group)) == min(3, np.bincount(LABELS)[LABELS[group[0]]])


def test_identity_batches_reach_every_image_of_balanced_data():
    labels = np.repeat(np.arange(8), 6)
    order = IdentitySampler(labels, identities=4, images=3).order(0)
    assert sorted(order) == list(range(48))


def test_identity_labels_need_not_be_contiguous():
    labels = np.array([5, 5, 9, 9, 700, 700])
    order = IdentitySampler(labels, identities=3, images=2).order(0)
    assert sorted(order) == list(range(6))


def test_occurrences():
    values = np.random.default_rng(0).integers(0, 5, 60)
    expected = [int((values[:at] == value).sum()) for at, value in enumerate(values)]
    assert occurrences(values).tolist() == expected


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ShuffledSampler(LABELS, batch_size=0), "batch_size is 0"),
        (lambda: ShuffledSampler(LABELS, batch_size=104), "103 images do not fill one batch of 104"),
        (lambda: ShuffledSampler(LABELS, batch_size=1, rank=2, world_size=2), "rank is 2"),
        (lambda: WeightedSampler(LABELS, batch_size=1, power=2), "power is 2"),
        (lambda: IdentitySampler(LABELS, identities=11, images=1), "expected 1..10"),
        (lambda: IdentitySampler(LABELS, identities=2, images=0), "0 images per identity"),
        (lambda: IdentitySampler(LABELS, identities=2, images=2, batch_size=5), "batch_size is 5"),
    ],
)
def test_bad_numbers(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_bad_name_and_empty_set():
    with pytest.raises(UnknownNameError, match="did you mean 'weighted'"):
        create_sampler("weigted", LABELS, batch_size=1)
    with pytest.raises(DataError, match="0 images"):
        ShuffledSampler(np.array([], dtype=np.int64), batch_size=1)
