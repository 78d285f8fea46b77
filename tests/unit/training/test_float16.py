"""Training in float16: the loss scale, steps that overflow, and a run that is resumed to the bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facezoo import backends
from facezoo.canonical.state import get_state, set_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.errors import NumericalError
from facezoo.interfaces import loss_scale
from facezoo.interfaces.loss_scale import LossScale
from facezoo.training.checkpoint import read_progress
from facezoo.training.model import build_model, build_run_head
from facezoo.training.resume import resumed_config
from facezoo.training.run import run_training
from facezoo.training.setup import build_engine, with_precision


@pytest.fixture
def no_substitute(monkeypatch):
    """Loss scaling also on paddle, which computes float32 on a CPU where float16 is asked for."""
    monkeypatch.setattr(backends.module("paddle", "precision"), "pick_precision", lambda name, device: (name, ""))


def engine_of(config):
    model = build_model(config)
    engine = build_engine(config, model, build_run_head(config, model, 4))
    engine.set_learning_rate(0.01)
    return engine


def batch():
    return np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8), np.arange(4)


def test_the_scale_moves_as_that_of_torch(monkeypatch):
    monkeypatch.setattr(loss_scale, "INTERVAL", 3)
    ours, theirs = LossScale(True), torch.amp.GradScaler("cpu", growth_interval=3)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for finite in np.random.default_rng(0).random(60) < 0.8:
        weight.grad = theirs.scale(torch.ones(1) if finite else torch.full((1,), torch.inf))
        theirs.step(optimizer)
        theirs.update()
        ours.update(finite=bool(finite))
        assert ours.value == theirs.get_scale()
        restored = LossScale(True)
        restored.load_state(ours.state())
        assert (restored.value, restored.applied) == (ours.value, ours.applied)


def test_the_scale_changes_no_digit_of_a_step(tiny, backend):
    """On paddle to the bit, since it computes float32 here; on torch float16 is near."""
    plain, scaled = engine_of(tiny(backend=backend)), engine_of(tiny(backend=backend, precision="float16"))
    scaled.scale.value = 16.0  # the gradients of random weights are large
    expected, found = (engine.train_step(*batch(), 0) for engine in (plain, scaled))
    assert found.applied
    assert all(value.dtype == np.float32 for value in get_state(scaled.head).values() if value.ndim == 2)
    if backend == "paddle":
        assert found == expected
        for name, value in get_state(plain.backbone).items():
            np.testing.assert_array_equal(get_state(scaled.backbone)[name], value, err_msg=name)
    else:
        assert found.loss == pytest.approx(expected.loss, rel=0.01)
        assert found.grad_norm == pytest.approx(expected.grad_norm, rel=0.1)


def test_an_overflow_changes_nothing_and_halves_the_scale(tiny, backend):
    engine = engine_of(tiny(backend=backend, precision="float16"))
    state = get_state(engine.backbone)
    engine.scale.value = 2.0**127  # gradients overflow in float16 and in float32
    result = engine.train_step(*batch(), 0)
    assert (result.applied, result.skipped, engine.scale.value) == (False, True, 2.0**126)
    assert np.isfinite(result.loss)
    for name, value in get_state(engine.backbone).items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)
    assert list(engine.optimizer_state()) == ["loss_scale"]


def test_a_run_counts_skipped_steps_and_resumes_to_the_bit(tiny, backend, tmp_path, monkeypatch, no_substitute):
    monkeypatch.setattr(loss_scale, "START", 2.0 ** (10 if backend == "torch" else 55))
    monkeypatch.setattr(loss_scale, "INTERVAL", 3)
    config = tiny(
        backend=backend, precision="float16", backbone_options={"input_size": 32, "dropout": 0.2}, steps=6,
        schedule__name="constant", schedule__warmup=0.0,
    )  # fmt: skip
    faces = SyntheticFaces(4, 4, size=32)
    run_training(config, tmp_path / "whole", source=faces)
    run_training(config.model_copy(update={"steps": 3}), tmp_path / "parts", source=faces)
    run_training(resumed_config(tmp_path / "parts", {"steps": 6}), tmp_path / "parts", resume=True, source=faces)
    whole, parts = (tmp_path / name / "checkpoints" / "step-6" for name in ("whole", "parts"))
    records = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    skipped = [record["skipped"] for record in records if "skipped" in record]
    assert skipped == list(range(1, len(skipped) + 1))
    assert 0 < len(skipped) < 6
    assert read_progress(whole).skipped == read_progress(parts).skipped == len(skipped)
    for name in ("backbone", "head", "optimizer"):
        expected, found = (load_file(folder / f"{name}.safetensors") for folder in (whole, parts))
        assert list(found) == list(expected)
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, err_msg=f"{name} {key}")


def test_numbers_that_stay_broken_end_the_run(tiny, backend):
    engine = engine_of(tiny(backend=backend, precision="float16", backbone_options={"input_size": 32}))
    state = get_state(engine.head)
    set_state(engine.head, {**state, "weight": np.full_like(state["weight"], np.nan)})
    images, labels = np.zeros((4, 32, 32, 3), np.uint8), np.arange(4)
    engine.scale.value = 2.0
    assert engine.train_step(images, labels, 0).skipped
    assert not engine.train_step(images, labels, 1).skipped  # a scale of 1: the loop raises NumericalError


def test_a_loss_that_is_not_finite_ends_a_run_in_float16(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(loss_scale, "START", 1.0)
    config = tiny(precision="float16", backbone_options={"input_size": 32}, lr=1e30, clip_norm=1e30)
    with pytest.raises(NumericalError, match="images of the batch"):
        run_training(config, tmp_path / "run")


def test_float16_is_said_to_be_slow_or_another(tiny, backend):
    config, remark = with_precision(tiny(backend=backend, precision="float16", device="cpu"))
    assert config.precision == ("float16" if backend == "torch" else "float32")
    if backend == "paddle":
        assert "float32 in this run" in remark
