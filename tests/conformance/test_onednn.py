"""Whole networks trained by oneDNN on paddle: their gradients are as near to float64 as those of torch in float32."""

import functools

import numpy as np
import pytest

from facezoo import backends
from facezoo.canonical.state import get_state, set_state
from facezoo.parity.backbones import perturbed_state
from facezoo.parity.reduced import reduced
from facezoo.rng import generator
from facezoo.zoo import catalog
from facezoo.zoo.create import build_backbone

QUICK = ("IR18", "IRSE18", "MobileFaceNet", "MobileNetV3Small", "ResNet18", "LightCNN9", "ShuffleNetV1", "DenseNet121")
SEEDS = 5  # rounding that moves one value over the kink of a ReLU changes a gradient by up to a percent, on any library
FACTOR = 3  # of torch's error
BATCH = 8


def inputs(spec, seed, dtype):
    rng = generator(seed, "onednn")
    images = rng.uniform(-1, 1, (BATCH, spec.in_channels, *spec.input_size)).astype(dtype)
    return images, (rng.standard_normal((BATCH, spec.embedding_size)) / BATCH).astype(dtype)


def trained(backend, spec, seed, dtype="float32"):
    """Gradients and running statistics of one pass in training."""
    native, module = backends.module(backend, "introspect"), build_backbone(spec, backend=backend, seed=0)
    set_state(module, perturbed_state(module, 0), strict=False)
    if dtype == "float64":
        native.widen(module)
    gradients = native.backward(module, *inputs(spec, seed, dtype))
    return gradients, {name: value for name, value in get_state(module).items() if "running" in name}


def distance(found, right):
    """Of all gradients together, relative to their length."""
    squares = sum(np.square(found[name] - value, dtype=np.float64).sum() for name, value in right.items())
    return float(np.sqrt(squares / sum(np.square(value).sum() for value in right.values())))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in catalog.BACKBONES]
)
def test_gradients_and_statistics_against_float64(name, monkeypatch):
    chain, calls = backends.module("paddle", "onednn.chain"), []
    monkeypatch.setattr(
        chain, "run", functools.partial(lambda run, *given: calls.append(given) or run(*given), chain.run)
    )
    for module in ("onednn.sequence", "conv", "prelu"):
        monkeypatch.setattr(backends.module("paddle", module), "run", chain.run)
    spec, seen = reduced(catalog.BACKBONES[name]), []
    for seed in range(SEEDS):
        right, statistics = trained("paddle", spec, seed, "float64")
        assert not calls
        ours, moved = trained("paddle", spec, seed)
        assert calls, "oneDNN was not used"
        calls.clear()
        for key, value in statistics.items():
            assert np.abs(moved[key] - value).max() <= 1e-4 * np.abs(value).max(), key
        theirs, _ = trained("torch", spec, seed)
        seen.append((distance(ours, right), distance(theirs, right)))
        if seen[-1][0] <= FACTOR * seen[-1][1]:
            return
    raise AssertionError(f"{name}: errors of paddle and torch {seen}; expected at most {FACTOR} times torch's")
