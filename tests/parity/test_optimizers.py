"""Twenty steps of each optimiser on both backends, in float64: the same losses, weights and stored state."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.canonical.state import get_state, set_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.interfaces.optimizer import SLOTS
from facezoo.parity.backbones import BOUNDS
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

STEPS, BATCH = 20, 16
RATES = {"sgd": 0.01, "adamw": 3e-4, "lamb": 3e-3}  # mild, so that rounding does not grow from step to step


@pytest.fixture(scope="module")
def faces():
    source = SyntheticFaces(8, 4, seed=5, size=32)
    return np.stack([source.image(index) for index in range(len(source))]), source.labels


def build(backend, name, **overrides):
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0, "input_size": 32},
        "embedding_size": 32, "head": "CosFace", "head_options": {"scale": 8.0, "margin": 0.1},
        "seed": 1, "compiled": False, "precision": "float64",
        "optimizer.name": name, "weight_decay": 0.05, **overrides,
    }  # fmt: skip
    engine = create_engine(load_config(None, settings), 8)
    engine.set_learning_rate(RATES[name])
    return engine


def train(engine, faces, steps, first=0):
    images, labels = faces
    order = np.random.default_rng(0).permuted(np.tile(np.arange(len(labels)), (STEPS, 1)), axis=1)[:, :BATCH]
    return [engine.train_step(images[order[s]], labels[order[s]], s).loss for s in range(first, first + steps)]


def close(found, wanted, what, relative=1e-9, floor=1e-12):
    assert found.keys() == wanted.keys(), what
    for name, value in wanted.items():
        scale = np.abs(value).max(initial=0.0)
        if "running_" in name:  # paddle's batch norm takes its momentum in float32
            scale *= BOUNDS["statistics"] / relative if relative else 1
        np.testing.assert_allclose(found[name], value, rtol=0, atol=relative * scale + floor, err_msg=f"{what}: {name}")


@pytest.mark.parametrize(
    ("name", "overrides"),
    [("sgd", {}), ("sgd", {"optimizer.nesterov": True}), ("adamw", {}), ("lamb", {"clip_norm": None})],
    ids=["sgd", "nesterov", "adamw", "lamb"],
)
def test_twenty_steps_agree_in_float64(name, overrides, faces):
    engines = {backend: build(backend, name, **overrides) for backend in ("torch", "paddle")}
    losses = {backend: train(engine, faces, STEPS) for backend, engine in engines.items()}
    assert losses["torch"][-1] < losses["torch"][0]
    np.testing.assert_allclose(losses["paddle"], losses["torch"], rtol=1e-9)
    for part in ("backbone", "head"):
        states = [get_state(getattr(engine, part)) for engine in engines.values()]
        # a bias in front of a norm has gradient 0: Adam divides the rounding of both sides by eps, 1e-8
        close(states[1], states[0], part, 1e-7, floor=1e-10)
    close(engines["paddle"].optimizer_state(), engines["torch"].optimizer_state(), "optimizer", 1e-7)


@pytest.mark.parametrize("name", SLOTS)
@pytest.mark.parametrize("other", ["torch", "paddle"])
def test_stored_state_continues_on_either_backend(name, other, backend, faces):
    whole = build(backend, name)
    wanted = train(whole, faces, 6)
    first = build(backend, name)
    train(first, faces, 3)
    stored = first.optimizer_state()
    second = build(other, name)
    for part in ("backbone", "head"):
        set_state(getattr(second, part), get_state(getattr(first, part)))
    second.load_optimizer_state(stored)
    close(second.optimizer_state(), stored, "loaded at once", 0.0)
    np.testing.assert_allclose(train(second, faces, 3, first=3), wanted[3:], rtol=1e-9)
    if backend == other:
        close(second.optimizer_state(), whole.optimizer_state(), "after resuming", 1e-12)


def test_norms_and_biases_do_not_decay(backend, faces):
    """A step with decay and one without differ in weights of convolutions, linear layers and tables only."""
    engine = build(backend, "adamw", **{"weight_decay": 0.5})
    before = get_state(engine.backbone)
    train(engine, faces, 1)
    after = get_state(engine.backbone)
    loose = build(backend, "adamw", **{"weight_decay": 0.0})
    train(loose, faces, 1)
    free = get_state(loose.backbone)
    decayed = {name for name in before if not np.array_equal(after[name], free[name])}
    assert "stem.conv.weight" in decayed
    assert not [name for name in decayed if ".bn" in name or "prelu" in name or name.endswith("bias")]
