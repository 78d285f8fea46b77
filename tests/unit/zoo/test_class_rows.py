"""Classes divided over processes, and those of a step of Partial FC."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo import backends
from facezoo.canonical.class_rows import ClassRows, divide_classes, sample_classes, sample_size
from facezoo.canonical.state import get_state
from facezoo.rng import generator
from facezoo.zoo.create import build_head
from facezoo.zoo.head_options import HeadOptions


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_every_class_belongs_to_one_process(world_size):
    parts = [divide_classes(20, rank, world_size) for rank in range(world_size)]
    assert [row for part in parts for row in range(part.first, part.end)] == list(range(20))
    assert max(part.count for part in parts) - min(part.count for part in parts) <= 1


@pytest.mark.parametrize(
    "head, options",
    [("ArcFace", {}), ("AdaMSoftmax", {}), ("SubCenterArcFace", {"centers": 2}), ("Softmax", {}),
     ("CosFace", {"extra": {"ClassBalanced": {"class_counts": list(range(1, 12))}}})],
)  # fmt: skip
def test_a_part_starts_with_the_rows_of_the_whole_head(head, options, backend):
    def state(rows):
        parsed = HeadOptions.parse(head, options)
        built = build_head(parsed, backend=backend, embedding_size=6, num_classes=11, seed=3, rows=rows)
        return get_state(built), {name for name, _, _ in built.row_tensors()}

    whole, divided = state(None)
    parts = [state(divide_classes(11, rank, 3))[0] for rank in range(3)]
    for name, value in whole.items():
        found = np.concatenate([part[name] for part in parts]) if name in divided else parts[1][name]
        np.testing.assert_array_equal(found, value, err_msg=name)


def test_sampled_classes_hold_all_that_the_labels_name(seed):
    rows = ClassRows(100, 1000, 5000)
    labels = np.random.default_rng(seed).integers(0, 5000, 64)
    count = sample_size(rows, len(labels), 0.1)
    chosen = sample_classes(labels, rows, count, generator(seed, "classes"))
    assert len(np.unique(chosen)) == count == 100
    named = {int(label) - 100 for label in labels if 100 <= label < 1100}
    assert named <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()
    other = sample_classes(labels, rows, count, generator(seed + 1, "classes"))
    assert set(other.tolist()) != set(chosen.tolist())


def test_sampled_classes_are_all_classes_of_a_weighing_term(backend):
    """Equal counts scaled to sum to the number of classes are 1 each, also of the classes of a step."""
    native = backends.module(backend, "introspect_heads")
    terms = {"ClassBalanced": {"class_counts": [5] * 40, "variant": "normalised_to_C"}}
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4, 6)), rng.integers(0, 40, 4)
    losses = []
    for extra in (None, terms):
        parsed = HeadOptions.parse("CosFace", {} if extra is None else {"extra": extra})
        head = native.widen(build_head(parsed, backend=backend, embedding_size=6, num_classes=40, seed=0))
        rows = divide_classes(40, 0, 1)
        losses.append(native.call_sharded(head, rows, 0.25, x, labels, rank=0, world_size=1)["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)


def test_a_small_part_is_computed_whole():
    rows = ClassRows(0, 10, 30)
    assert sample_size(rows, 64, 0.1) == 10
    assert sample_classes(np.array([5, 25]), rows, 10, generator(0)).tolist() == list(range(10))
