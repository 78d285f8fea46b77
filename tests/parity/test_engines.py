"""Some steps of both engines compared: losses, running statistics, embeddings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facezoo.canonical.state import get_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

STEPS, BATCH = 4, 8


def drawn_batches():
    faces = SyntheticFaces(8, 4, seed=5)
    images = np.stack([faces.image(index) for index in range(len(faces))])
    order = np.random.default_rng(0).permutation(len(faces))
    return [(images[part], faces.labels[part]) for part in order.reshape(STEPS, BATCH)]


@pytest.fixture(scope="module")
def batches():
    return drawn_batches()


def run(backend, batches, **overrides):
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0}, "embedding_size": 64,
        "head": "ArcFace", "seed": 1, "compiled": False, **overrides,
    }  # fmt: skip
    engine = create_engine(load_config(None, settings), 8)
    engine.set_learning_rate(0.01)
    results = [engine.train_step(images, labels, step) for step, (images, labels) in enumerate(batches)]
    return engine, results


def test_in_float64_training_agrees_to_many_digits(batches):
    """In a deep network rounding errors grow about 100 times per step, so float32 could not show small differences."""
    pair = [run(name, batches, precision="float64") for name in ("torch", "paddle")]
    (torch_engine, expected), (paddle_engine, found) = pair
    np.testing.assert_allclose([r.loss for r in found], [r.loss for r in expected], rtol=1e-7)
    np.testing.assert_allclose([r.grad_norm for r in found], [r.grad_norm for r in expected], rtol=1e-5)
    for ours, theirs in (
        (get_state(torch_engine.backbone), get_state(paddle_engine.backbone)),
        (get_state(torch_engine.head), get_state(paddle_engine.head)),
        (torch_engine.optimizer_state(), paddle_engine.optimizer_state()),
    ):
        assert set(ours) == set(theirs)
        for name, value in ours.items():
            np.testing.assert_allclose(
                theirs[name], value, rtol=1e-4, atol=1e-6 * np.abs(value).max() + 1e-9, err_msg=name
            )


@pytest.mark.parametrize("backbone", ["ResNet18", "MobileNetV1", "IResNet18"])
def test_by_default_both_backends_take_the_same_step_and_embed_alike(backbone):
    """In its own process: paddle may lose a static graph if others exist in the same process."""
    words = [sys.executable, str(Path(__file__).with_name("default_run.py")), backbone]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]


def test_parameters_without_decay_are_not_decayed(backend, batches):
    loose, _ = run(backend, batches[:1], weight_decay=0.0, clip_norm=None)
    tight, _ = run(backend, batches[:1], weight_decay=0.1, clip_norm=None)
    a, b = loose.optimizer_state(), tight.optimizer_state()
    changed = {name for name in a if not np.array_equal(a[name], b[name])}
    assert "backbone.stem.conv.weight" in changed
    assert "head.weight" in changed
    assert not [name for name in changed if ".bn" in name or "prelu" in name or name.endswith("bias")]


def test_clipping_bounds_the_step(backend, batches):
    engine, (result,) = run(backend, batches[:1], weight_decay=0.0, clip_norm=0.5)
    total = np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in engine.optimizer_state().values()))
    assert result.grad_norm > 0.5
    assert total == pytest.approx(0.5, rel=1e-3)


def test_micro_batches_add_up_to_the_mean_gradient(backend, batches):
    """Without running statistics (evaluation mode), the head's gradient must be equal."""
    engine, (whole,) = run(backend, batches[:1], accumulation=1)
    split, (parts,) = run(backend, batches[:1], accumulation=2)
    assert parts.loss == pytest.approx(whole.loss, rel=0.1)  # batch norm sees half batches
    assert set(split.optimizer_state()) == set(engine.optimizer_state())


def test_bfloat16_stays_near_float32(backend, batches):
    _, wide = run(backend, batches[:1])
    _, narrow = run(backend, batches[:1], precision="bfloat16")
    np.testing.assert_allclose([r.loss for r in narrow], [r.loss for r in wide], rtol=0.03)


def test_gradient_checkpointing_changes_nothing(backend, batches):
    options = {"dropout": 0.0}
    plain, expected = run(backend, batches[:2], compiled=False, backbone_options=options)
    saving, found = run(backend, batches[:2], compiled=False, backbone_options={**options, "checkpointing": True})
    np.testing.assert_allclose([r.loss for r in found], [r.loss for r in expected], rtol=1e-5)
    a, b = get_state(plain.backbone), get_state(saving.backbone)
    for name in a:
        if "running" in name:
            np.testing.assert_allclose(b[name], a[name], rtol=1e-3, atol=1e-5, err_msg=name)
