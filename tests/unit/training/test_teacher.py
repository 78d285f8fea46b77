"""Runs with a teacher: stored embeddings equal the live model, stopped runs continue to the bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_run import TINY

import facezoo
from facezoo.checkpoints.weights import read_arrays
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.errors import ConfigError
from facezoo.inference import stored_embeddings
from facezoo.inference.embedder import Embedder
from facezoo.training.config_file import load_config
from facezoo.training.loop import TrainingInterrupted
from facezoo.training.run import run_training


@pytest.fixture
def teacher(tmp_path):
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=24, seed=7)
    facezoo.save_weights(backbone, tmp_path / "teacher.safetensors")
    return tmp_path / "teacher.safetensors"


def store(teacher, backend, folder, monkeypatch, faces=None):
    monkeypatch.setattr(stored_embeddings, "ROWS", 5)
    embedder = Embedder(teacher, backend=backend)
    faces = faces or SyntheticFaces(4, 4, seed=3)
    return stored_embeddings.store_embeddings(
        faces, embedder.raw, folder, size=(112, 112), model={"weights": "teacher", "sha256": "0"}
    )


def distances(run):
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return np.array([record["teacher_distance"] for record in records if "teacher_distance" in record])


def config(backend, **more):
    plain = {"data.augmentation": "none", "backbone_options": {"dropout": 0.0}, "validation.holdout": 2}
    return load_config(None, {**TINY, **plain, "backend": backend, **more})


def test_stored_embeddings_give_the_loss_of_the_live_teacher(backend, teacher, tmp_path, monkeypatch):
    store(teacher, backend, tmp_path / "stored", monkeypatch)
    found = []
    for name, source in (("live", teacher), ("kept", tmp_path / "stored")):
        settings = {"distillation.teacher": str(source), "steps": 2, "precision": "float64"}
        run_training(config(backend, **settings), tmp_path / name)
        found.append(distances(tmp_path / name))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


@pytest.mark.parametrize("loss", ["logits", "angular"])
def test_a_run_with_teacher_and_average_continues_to_the_bit(backend, loss, teacher, tmp_path, monkeypatch):
    store(teacher, "torch", tmp_path / "stored", monkeypatch)
    settings = {
        "distillation.teacher": str(tmp_path / "stored"), "distillation.loss": loss, "distillation.share": 0.9,
        "distillation.share_end": 0.1, "average": 0.9, "steps": 4, "checkpoint_every": 1,
    }  # fmt: skip
    run_training(config(backend, **settings), tmp_path / "whole")

    def interrupt(step, steps, text):
        if step == 2:
            raise TrainingInterrupted

    with pytest.raises(KeyboardInterrupt):
        run_training(config(backend, **settings), tmp_path / "broken", on_progress=interrupt)
    run_training(config(backend, **settings), tmp_path / "broken", resume=True)
    for name in ("backbone", "average", "distillation", "optimizer", "head"):
        ends = [
            read_arrays(tmp_path / run / f"checkpoints/step-4/{name}.safetensors")[0] for run in ("whole", "broken")
        ]
        assert set(ends[0]) == set(ends[1])
        for key in ends[0]:
            np.testing.assert_array_equal(ends[1][key], ends[0][key], err_msg=f"{name}: {key}")
    kept = read_arrays(tmp_path / "whole/weights.safetensors")[0]
    average = read_arrays(tmp_path / "whole/checkpoints/step-4/average.safetensors")[0]
    assert all((kept[key] == average[key]).all() for key in average)


def test_the_average_of_the_run_itself_teaches(backend, tmp_path):
    settings = {"distillation.teacher": "average", "average": 0.99, "steps": 2}
    run_training(config(backend, **settings), tmp_path / "run")
    found = distances(tmp_path / "run")
    assert len(found) == 2
    assert (found > 0).all()


def test_stopped_storing_continues_and_other_images_are_refused(teacher, tmp_path, monkeypatch):
    faces = SyntheticFaces(4, 4, seed=3)
    calls = []

    def embed(crops):
        calls.append(len(crops))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return np.full((len(crops), 2), float(len(calls)), np.float32)

    monkeypatch.setattr(stored_embeddings, "ROWS", 5)
    model = {"weights": "w", "sha256": "0"}
    with pytest.raises(KeyboardInterrupt):
        stored_embeddings.store_embeddings(faces, embed, tmp_path / "e", size=(112, 112), model=model)
    with pytest.raises(Exception, match="holds no complete set"):
        stored_embeddings.open_embeddings(tmp_path / "e")
    stored = stored_embeddings.store_embeddings(faces, embed, tmp_path / "e", size=(112, 112), model=model)
    assert calls == [5, 5, 5, 5, 1]  # the third call is repeated, the first two are not
    assert len(stored) == 16
    np.testing.assert_array_equal(stored.rows(np.array([15, 0, 6]))[:, 0], [5, 1, 2])
    with pytest.raises(ConfigError, match="another model"):
        stored_embeddings.store_embeddings(
            faces, embed, tmp_path / "e", size=(112, 112), model={**model, "sha256": "1"}
        )
    with pytest.raises(ConfigError, match="another set of images"):
        stored_embeddings.store_embeddings(
            SyntheticFaces(5, 4, seed=3), embed, tmp_path / "e", size=(112, 112), model=model
        )
    settings = config("torch", **{"distillation.teacher": str(tmp_path / "e"), "data.identities": 5})
    with pytest.raises(ConfigError, match="16 images of 4 identities; the training set has 20"):
        run_training(settings, tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distillation.loss": "cosine"}, "needs distillation.teacher"),
        ({"distillation.teacher": "average"}, "needs average, its decay"),
        ({"distillation.teacher": "nowhere", "distillation.loss": "logits"}, "class centres"),
        ({"distillation.teacher": "average", "average": 1.0}, "average is 1.0"),
        ({"distillation.teacher": "x", "distillation.share": 1.5}, "distillation.share is 1.5"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, settings)
