"""Runs of several stages: warm starts, one log, killed in any stage and continued to the bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_run import TINY

from facezoo.checkpoints.weights import read_arrays
from facezoo.errors import ConfigError
from facezoo.training.config_file import load_config
from facezoo.training.experiment import has_begun, run_experiment
from facezoo.training.resume import resumed_config
from facezoo.training.stages import stage_list

STAGES = [
    {"name": "classes", "steps": 2},
    {"name": "margin", "head": "ArcFace", "head_options": {"margin": 0.3}, "steps": 2, "lr": 0.005},
    {"name": "fewer", "head": "CosFace", "steps": 2, "data": {"min_images": 1, "augmentation": "none"}},
]


def config(backend, **more):
    settings = {**TINY, "backend": backend, "head": "CosFace", "checkpoint_every": 1, "validation.holdout": 2}
    return load_config(None, {**settings, "stages": STAGES, **more})


def records(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_stage_changes_what_it_names(tmp_path):
    first, second, third = stage_list(config("torch"), tmp_path)
    assert (first.config.head, second.config.head, third.config.head) == ("CosFace", "ArcFace", "CosFace")
    assert second.config.head_options == {"margin": 0.3}
    assert (second.config.lr, third.config.lr) == (0.005, 0.01)
    assert third.config.data.augmentation == "none"
    assert third.config.data.identities == 4
    assert third.before == second.folder == tmp_path / "stages/2"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"backbone": "IR50"}, r"stage 1 \(x\): backbone holds for the whole run"),
        ({"hed": "ArcFace"}, "did you mean 'head'"),
        ({"lr": -1}, "lr is -1"),
        ({"validation": {"sets": {"a": {"data": "x.bin", "pair": "y"}}}}, "did you mean 'validation.sets.a.pairs'"),
    ],
)
def test_wrong_stages_are_refused_before_anything_is_trained(stage, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        run_experiment(config("torch", stages=[{"name": "x", **stage}]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_killed_in_each_stage_and_resumed_to_the_bit(backend, tmp_path):
    run_experiment(config(backend), tmp_path / "whole")
    calls = []

    def interrupt(step, steps, text):
        calls.append(step)
        if len(calls) in (1, 3, 6):  # in the first, second and third stage
            raise KeyboardInterrupt

    for number in range(3):
        chosen = resumed_config(tmp_path / "broken", {}) if number else config(backend)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(chosen, tmp_path / "broken", resume=number > 0, on_progress=interrupt)
        assert has_begun(tmp_path / "broken") or number == 0
    run_experiment(resumed_config(tmp_path / "broken", {}), tmp_path / "broken", resume=True)
    for name in ("weights", "stages/2/checkpoints/step-2/head", "stages/3/checkpoints/step-2/optimizer"):
        ends = [read_arrays(tmp_path / run / f"{name}.safetensors")[0] for run in ("whole", "broken")]
        assert set(ends[0]) == set(ends[1])
        for key in ends[0]:
            np.testing.assert_array_equal(ends[1][key], ends[0][key], err_msg=f"{name}: {key}")
    kept = [[(line["step"], line["stage"], line["loss"]) for line in records(tmp_path / run) if "loss" in line]
            for run in ("whole", "broken")]  # fmt: skip
    assert kept[0] == kept[1]
    assert [line[:2] for line in kept[0]] == [
        (1, "classes"), (2, "classes"), (3, "margin"), (4, "margin"), (5, "fewer"), (6, "fewer"),
    ]  # fmt: skip


def test_class_weights_follow_the_names_of_the_classes(tmp_path):
    """The second stage drops an identity with few images; the rows of the others are those of the first stage."""
    from PIL import Image

    from facezoo.data.sources.synthetic import SyntheticFaces

    faces = SyntheticFaces(3, 4, seed=1)
    for index in range(len(faces)):
        label = int(faces.labels[index])
        if label == 1 and index % 4 > 1:
            continue
        folder = tmp_path / "faces" / f"person{label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(faces.image(index)).save(folder / f"{index}.png")
    stages = [{"steps": 1}, {"steps": 1, "lr": 1e-12, "data": {"min_images": 3}}]
    chosen = config("torch", stages=stages, batch_size=2, **{"data.path": str(tmp_path / "faces"),
                    "validation.holdout": 0, "weight_decay": 0.0})  # fmt: skip
    run_experiment(chosen, tmp_path / "run")
    before, after = (
        read_arrays(tmp_path / f"run/stages/{number}/checkpoints/step-1/head.safetensors")[0]["weight"]
        for number in (1, 2)
    )
    np.testing.assert_allclose(after, before[[0, 2]], atol=1e-6)


def test_several_validation_sets_each_have_a_curve_and_one_is_watched(backend, tmp_path, monkeypatch):
    from facezoo.training import setup, validation

    scores = {"near": iter([0.9, 0.8, 0.7]), "far": iter([0.5, 0.6, 0.7])}

    class Drawn(validation.Validator):
        def __call__(self, engine):
            return {"accuracy": next(scores[self.name]), "standard_error": 0.01}

    def drawn(settings, size, name=""):
        rows = np.zeros(4, np.int64)
        return Drawn(name, np.zeros((1, 8, 8, 3), np.uint8), rows, rows, rows == 0, rows)

    monkeypatch.setattr(setup, "file_validator", drawn)
    sets = {name: {"data": f"{name}.bin"} for name in scores}
    settings = {**TINY, "backend": backend, "steps": 2, "validation.sets": sets, "validation.watch": "far"}
    chosen = load_config(None, {**settings, "validation.every": 1, "validation.at_start": True})
    finished = run_experiment(chosen, tmp_path / "run")
    found = [(line["step"], line["validation"], line["accuracy"]) for line in records(tmp_path / "run")
             if "accuracy" in line]  # fmt: skip
    assert found == [(0, "near", 0.9), (0, "far", 0.5), (1, "near", 0.8), (1, "far", 0.6), (2, "near", 0.7),
                     (2, "far", 0.7)]  # fmt: skip
    assert (finished.result.accuracy, finished.result.best) == (0.7, 0.7)
    card = json.loads((tmp_path / "run/weights.card.json").read_text())
    assert [figure["value"] for figure in card["figures"]] == [0.7, 0.7]
    with pytest.raises(ConfigError, match=r"watch is 'x'; expected a name of validation.sets: near, far"):
        load_config(None, {**settings, "validation.watch": "x"})
    with pytest.raises(ConfigError, match=r"beside validation\.data or holdout"):
        load_config(None, {**settings, "validation.holdout": 2})
