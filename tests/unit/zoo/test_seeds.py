"""Initial weights follow the seed that is given, else the framework's own."""

import numpy as np
import pytest

import facezoo


def framework_seed(backend, seed):
    if backend == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import paddle

        paddle.seed(seed)


def build(kind, backend, **options):
    if kind == "backbone":
        return facezoo.create_backbone("MobileFaceNet", backend=backend, embedding_size=8, **options)
    return facezoo.create_head("CosFace", backend=backend, embedding_size=8, num_classes=5, **options)


def equal(one, other):
    first, second = facezoo.get_state(one), facezoo.get_state(other)
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", ["backbone", "head"])
@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_without_a_seed_the_framework_decides(backend, kind):
    built = []
    for seed in (7, 7, 8):
        framework_seed(backend, seed)
        built.append(build(kind, backend))
    assert equal(built[0], built[1])
    assert not equal(built[0], built[2])
    assert not equal(built[2], build(kind, backend)), "two calls after one seed give different weights"


@pytest.mark.parametrize("kind", ["backbone", "head"])
def test_a_given_seed_decides_alone(kind):
    framework_seed("torch", 1)
    first = build(kind, "torch", seed=3)
    framework_seed("paddle", 2)
    assert equal(first, build(kind, "paddle", seed=3))
