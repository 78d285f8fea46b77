"""The losses of distillation by their formulas in NumPy, on both backends; engines with a teacher and an average."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from facezoo.canonical.state import get_state
from facezoo.interfaces.average import decay_at
from facezoo.interfaces.distillation import LOSSES, DistillationSettings


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def huber(difference):
    size = np.abs(difference)
    return np.where(size < 1, size**2 / 2, size - 0.5).mean()


def relations(values):
    gaps = np.linalg.norm(values[:, None] - values[None], axis=2)
    between = gaps[~np.eye(len(values), dtype=bool)].mean()
    directions = values[None] - values[:, None]
    directions = directions / np.maximum(np.linalg.norm(directions, axis=2, keepdims=True), 1e-12)
    return gaps / between, directions @ directions.transpose(0, 2, 1)


def log_softmax(values):
    values = values - values.max(1, keepdims=True)
    return values - np.log(np.exp(values).sum(1, keepdims=True))


def expected(settings, f, t):
    """The loss by its definition."""
    if settings.projects:
        f = f @ settings.initial_projection().astype(np.float64).T
    if settings.loss == "l2":
        return ((f - t) ** 2).mean()
    if settings.loss == "relational":
        (near, corner), (near_t, corner_t) = relations(f), relations(t)
        return huber(near - near_t) + 2 * huber(corner - corner_t)
    if settings.loss == "logits":
        centres, share = unit(settings.centres.astype(np.float64)), settings.scale / settings.temperature
        given, wanted = (log_softmax(share * unit(x) @ centres.T) for x in (f, t))
        return settings.temperature**2 * (np.exp(wanted) * (wanted - given)).sum(1).mean()
    cosine = (unit(f) * unit(t)).sum(1)
    return ((1 - cosine) ** 2).mean() if settings.loss == "angular" else (1 - cosine).mean()


def measure(backend, settings, f, t):
    """Loss, gradient of the embeddings, and of the projection where there is one."""
    distiller = importlib.import_module(f"facezoo.backends.{backend}.distillation").Distiller(settings)
    if backend == "torch":
        import torch

        distiller.double()
        x = torch.from_numpy(f.copy()).requires_grad_()
        loss = distiller(x, torch.from_numpy(t))
    else:
        import paddle

        distiller.to(dtype="float64")
        x = paddle.to_tensor(f.copy(), stop_gradient=False)
        loss = distiller(x, paddle.to_tensor(t))
    loss.backward()
    found = [x.grad.numpy()]
    if distiller.projection is not None:
        gradient = distiller.projection.weight.grad.numpy()
        found.append(gradient if backend == "torch" else gradient.T)
    return float(loss.detach()), found


@pytest.mark.parametrize("target_size", [12, 20])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_gradients_by_definition_and_equal_on_both_backends(loss, target_size, rng):
    f, t = rng.standard_normal((6, 12)), rng.standard_normal((6, target_size))
    centres = rng.standard_normal((5, target_size)).astype(np.float32)
    settings = DistillationSettings(loss, 12, target_size, factor=3.0, centres=centres, seed=4)
    (value, gradients), (other, others) = (measure(name, settings, f, t) for name in ("torch", "paddle"))
    assert value == pytest.approx(3 * expected(settings, f, t), rel=1e-6)
    assert other == pytest.approx(value, rel=1e-9)
    assert len(gradients) == len(others) == (2 if target_size != 12 and loss != "relational" else 1)
    for ours, theirs in zip(gradients, others, strict=True):
        assert np.abs(ours).max() > 0
        np.testing.assert_allclose(theirs, ours, rtol=1e-7, atol=1e-10)
    step = 1e-6 * rng.standard_normal(f.shape)
    ahead, behind = (3 * expected(settings, f + sign * step, t) for sign in (1, -1))
    assert (gradients[0] * step).sum() == pytest.approx((ahead - behind) / 2, rel=1e-4)


def test_engines_with_teacher_and_average_agree(rng):
    from facezoo.training.config_file import load_config
    from facezoo.training.model import build_model, build_run_head
    from facezoo.training.setup import build_engine

    images = rng.integers(0, 256, (3, 8, 112, 112, 3), dtype=np.uint8)
    labels, targets = rng.integers(0, 4, (3, 8)), rng.standard_normal((3, 8, 24)).astype(np.float32)
    states, results = [], []
    for backend in ("torch", "paddle"):
        config = load_config(None, {
            "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0},
            "embedding_size": 16, "seed": 1, "compiled": False, "precision": "float64", "average": 0.9,
            "accumulation": 2, "batch_size": 8,
        })  # fmt: skip
        model = build_model(config)
        engine = build_engine(
            config, model, build_run_head(config, model, 4), distillation=DistillationSettings("angular", 16, 24)
        )
        engine.set_learning_rate(0.01)
        engine.distillation_share = 0.7
        follow = get_state(engine.backbone)["neck.linear.weight"]
        for step in range(3):
            results.append(engine.train_step(images[step], labels[step], step, targets[step]))
            decay = decay_at(0.9, step)
            follow = decay * follow + (1 - decay) * get_state(engine.backbone)["neck.linear.weight"]
        parts = {"backbone": engine.backbone, "average": engine.average, "distillation": engine.distiller}
        states.append({f"{part}.{key}": value for part, module in parts.items()
                       for key, value in get_state(module).items()})  # fmt: skip
        states[-1]["optimizer"] = engine.optimizer_state()["distillation.projection.weight"]
        np.testing.assert_allclose(states[-1]["average.neck.linear.weight"], follow, rtol=1e-9, atol=1e-12)
        assert np.abs(engine.embed(images[0]) - embedded(engine.average, backend, images[0])).max() < 1e-4
    for ours, theirs in zip(results[:3], results[3:], strict=True):
        np.testing.assert_allclose(theirs[:2], ours[:2], rtol=1e-5)
        assert theirs.distance == pytest.approx(ours.distance, rel=1e-6)
    assert set(states[0]) == set(states[1])
    for name, value in states[0].items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(states[1][name], value, rtol=1e-4, atol=1e-6 * scale + 1e-9, err_msg=name)


def embedded(module, backend, images):
    from facezoo import backends

    return backends.load(backend).build_inference(module, "cpu", "float32", 0)(images)
