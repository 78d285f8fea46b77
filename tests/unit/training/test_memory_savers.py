"""Options of a run that save memory or time and change no result: compilation, memory format, recomputation."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from facezoo.canonical.state import get_state
from facezoo.errors import ConfigError
from facezoo.training.plan import plan_memory
from facezoo.training.setup import create_engine

SMALL = {"backbone_options": {"dropout": 0.0, "input_size": 32}}


def steps(config, classes=4):
    engine = create_engine(config, classes)
    engine.set_learning_rate(0.01)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 32, 32, 3), dtype=np.uint8)
    results = [engine.train_step(part, np.arange(8) % classes, step) for step, part in enumerate(images)]
    return [result.loss for result in results], get_state(engine.backbone), engine


def assert_same(found, expected, rel):
    assert found[0] == pytest.approx(expected[0], rel=rel)
    for name, value in expected[1].items():
        np.testing.assert_allclose(found[1][name], value, rtol=0, atol=rel * np.abs(value).max() + rel, err_msg=name)


@pytest.mark.parametrize(
    "options", [{}, pytest.param({"parallel__head": "sharded", "accumulation": 2}, marks=pytest.mark.full)]
)
def test_compiled_training_takes_the_same_steps(options, tiny, monkeypatch):
    """With the graph run by torch's own functions: code generation takes a minute, see below."""
    config = tiny(precision="float64", backbone="IResNet18", **SMALL, **options)
    expected = steps(config)
    seen = []

    def compiled(module):
        seen.append(module)
        return whole(module, backend="aot_eager")

    whole = torch.compile
    monkeypatch.setattr(torch, "compile", compiled)
    found = steps(config.model_copy(update={"compile": True}))
    assert len(seen) == 1
    assert_same(found, expected, 1e-10)
    images = np.zeros((2, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(found[2].embed(images), expected[2].embed(images), rtol=1e-5, atol=1e-6)


@pytest.mark.full
def test_generated_code_takes_the_same_steps(tiny):
    config = tiny(precision="float64", **SMALL)
    assert_same(steps(config.model_copy(update={"compile": True})), steps(config), 1e-9)


@pytest.mark.parametrize("precision, close", [("float64", 1e-10), ("float32", 1e-3)])
def test_channels_last_takes_the_same_steps(precision, close, tiny):
    config = tiny(precision=precision, channels_last=False, **SMALL)
    found = steps(config.model_copy(update={"channels_last": True}))
    assert found[2].backbone.stem.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert_same(found, steps(config), close)


def test_recomputed_activations_take_the_same_steps_and_less_memory(backend, tiny):
    config = tiny(backend=backend, precision="float64", **SMALL)
    recomputing = config.model_copy(update={"checkpointing": True})
    assert_same(steps(recomputing), steps(config), 1e-10)
    assert plan_memory(recomputing, 4).activations < plan_memory(config, 4).activations / 2


def test_what_a_backend_has_not_is_refused(tiny):
    for name in ("compile", "channels_last"):
        with pytest.raises(ConfigError, match=f"{name} is true; paddle"):
            tiny(backend="paddle", **{name: True})
    with pytest.raises(ConfigError, match="both true"):
        tiny(compile=True, checkpointing=True)
    build = partial(tiny, backbone="package.module:Class", backbone_options={}, checkpointing=True)
    with pytest.raises(ConfigError, match="expected a backbone of the zoo"):
        build()
