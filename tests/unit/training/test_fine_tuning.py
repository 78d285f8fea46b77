"""Fine-tuning: what a weight file decides, what is frozen, adapters, and class weights from embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import TINY

import facezoo
from facezoo import backends
from facezoo.canonical.state import get_state
from facezoo.checkpoints.weights import read_arrays, read_info
from facezoo.errors import CheckpointError, ConfigError
from facezoo.training.config_file import load_config
from facezoo.training.config_groups import FineTuning
from facezoo.training.fine_tuning import learning_rates
from facezoo.training.run import run_training

NAMES = ["stem.bn.weight", "stages.0.0.bn.weight", "stages.1.0.bn.weight", "stages.1.1.bn.weight", "neck.linear.weight"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A weight file with a preprocessing that is not the default."""
    from dataclasses import replace

    from facezoo.specs.preprocess import Preprocess

    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=32, dropout=0.0, seed=9)
    backbone.spec = replace(backbone.spec, preprocess=Preprocess(color="BGR", mean=(100.0, 110.0, 120.0)))
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    facezoo.save_weights(backbone, path)
    return path


def config(start, backend, **more):
    plain = {key: value for key, value in TINY.items() if not key.startswith(("backbone", "embedding"))}
    settings = {
        **plain,
        "backend": backend,
        "weights": str(start),
        "validation.holdout": 2,
        "validation.at_start": False,
        "steps": 2,
        **more,
    }
    return load_config(None, settings)


def changed(run, start):
    before, after = read_arrays(start)[0], read_arrays(run / "weights.safetensors")[0]
    assert set(before) == set(after)
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_rates_by_block_and_pattern():
    decayed = learning_rates(FineTuning(layer_decay=0.5, backbone_rate=0.1), NAMES)
    assert decayed == dict(zip(NAMES, [0.0125, 0.025, 0.05, 0.05, 0.1], strict=True))
    assert list(learning_rates(FineTuning(train_from="last_stage"), NAMES).values()) == [0, 0, 1, 1, 1]
    assert list(learning_rates(FineTuning(train_from="neck"), NAMES).values()) == [0, 0, 0, 0, 1]
    assert list(learning_rates(FineTuning(freeze=["stem", "*.1.bn.*"]), NAMES).values()) == [0, 1, 1, 0, 1]
    with pytest.raises(ConfigError, match=r"expected a block \(stem, stages.0, stages.1, neck\)"):
        learning_rates(FineTuning(freeze=["body"]), NAMES)
    with pytest.raises(ConfigError, match=r"expected one of stem, stages\.0"):
        learning_rates(FineTuning(train_from="stages.7"), NAMES)


def test_the_file_decides_and_contradictions_say_what_works(start):
    chosen = config(start, "torch")
    assert (chosen.backbone, chosen.embedding_size, chosen.input_rule().color) == ("MobileFaceNet", 32, "BGR")
    for setting, message in (
        ({"backbone": "IR50"}, "holds MobileFaceNet: leave --backbone out"),
        ({"embedding_size": 64}, "has 32: leave it out, or distil"),
        ({"backbone_options": {"neck": "gap"}}, "was trained with"),
        ({"fine_tuning.lora_rank": 2, "fine_tuning.freeze": ["stem"]}, "adapters alone"),
    ):
        with pytest.raises(ConfigError, match=message):
            config(start, "torch", **setting)
    with pytest.raises(ConfigError, match="needs weights"):
        load_config(None, {"fine_tuning.freeze_statistics": True})
    with pytest.raises(CheckpointError, match="no file"):
        load_config(None, {"weights": "missing.safetensors"})


def test_frozen_parts_stay_and_the_rest_learns(backend, start, tmp_path):
    run = run_training(config(start, backend, **{"fine_tuning.train_from": "neck"}), tmp_path / "run")
    blocks = {name.partition(".")[0] for name in changed(run.folder, start)}
    assert blocks == {"neck"}
    info = read_info(run.weights)
    assert info["training"]["started_from"]["weights"] == "start.safetensors"
    assert info["preprocess"]["color"] == "BGR"


def test_layer_decay_scales_the_step_of_each_block(backend, start, tmp_path):
    plain = {"steps": 1, "schedule.warmup": 0.0, "clip_norm": None, "weight_decay": 0.0}
    before = read_arrays(start)[0]
    moved = []
    for number, settings in enumerate(({}, {"fine_tuning.layer_decay": 0.5, "fine_tuning.backbone_rate": 0.1})):
        run_training(config(start, backend, **plain, **settings), tmp_path / str(number))
        after = read_arrays(tmp_path / str(number) / "weights.safetensors")[0]
        moved.append({name: after[name] - before[name] for name in ("stem.conv.weight", "neck.linear.weight")})
    order = list(dict.fromkeys(name.split(".")[0] + name.split(".")[1] if name.startswith(("stages", "second")) else
                               name.split(".")[0] for name in before))  # fmt: skip
    for name, depth in (("neck.linear.weight", 0), ("stem.conv.weight", len(order) - 1)):
        np.testing.assert_allclose(moved[1][name], 0.1 * 0.5**depth * moved[0][name], rtol=0.05, atol=2e-7)


def test_statistics_can_be_kept(backend, start, tmp_path):
    run = run_training(config(start, backend, **{"fine_tuning.freeze_statistics": True}), tmp_path / "run")
    names = changed(run.folder, start)
    assert "stem.conv.weight" in names
    assert not any("running" in name for name in names)


def test_adapters_train_alone_and_are_merged_into_plain_weights(backend, start, tmp_path):
    settings = {"fine_tuning.lora_rank": 2, "fine_tuning.lora_layers": ["neck.*", "last.*"], "steps": 3}
    run = run_training(config(start, backend, **settings, checkpoint_every=1), tmp_path / "run")
    assert changed(run.folder, start) <= {"neck.linear.weight", "last.conv.weight", "neck.conv.weight"}
    assert "neck.linear.weight" in changed(run.folder, start)
    stored = read_arrays(run.folder / "checkpoints/step-3/backbone.safetensors")[0]
    before, after = read_arrays(start)[0], read_arrays(run.weights)[0]
    up, down = stored["neck.linear.lora_up"], stored["neck.linear.lora_down"]
    assert down.shape == (2, before["neck.linear.weight"].shape[1])
    np.testing.assert_allclose(after["neck.linear.weight"], before["neck.linear.weight"] + up @ down, atol=1e-6)
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    native = backends.module(backend, "adapters")
    adapted = facezoo.load_weights(start, backend=backend)
    plain = backends.load(backend).build_inference(adapted, "cpu")(crops)
    native.add_adapters(adapted, 2, 2.0, ["neck.*", "last.*"], 3)
    np.testing.assert_allclose(backends.load(backend).build_inference(adapted, "cpu")(crops), plain, atol=1e-5)
    facezoo.set_state(adapted, stored)
    merged = backends.load(backend).build_inference(native.merged(adapted), "cpu")(crops)
    given = backends.load(backend).build_inference(facezoo.load_weights(run.weights, backend=backend), "cpu")(crops)
    np.testing.assert_allclose(merged, given, atol=1e-5)
    np.testing.assert_allclose(backends.load(backend).build_inference(adapted, "cpu")(crops), given, atol=1e-4)


@pytest.mark.parametrize("head", ["CosFace", "SubCenterArcFace"])
def test_class_weights_start_from_mean_embeddings(head, start):
    from facezoo.training.model import build_model, build_run_head
    from facezoo.training.setup import build_engine, open_training_data
    from facezoo.training.start import load_start, start_head

    chosen = config(start, "torch", head=head)
    faces, _ = open_training_data(chosen)
    model = build_model(chosen)
    load_start(chosen, model)
    engine = build_engine(chosen, model, build_run_head(chosen, model, faces.num_classes))
    drawn = get_state(engine.head)["weight"].copy()
    start_head(chosen, engine, faces)
    weight = get_state(engine.head)["weight"]
    embeddings = engine.embed(np.stack([faces.image(index) for index in range(len(faces))]))
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    for label in range(faces.num_classes):
        mean = unit[faces.labels == label].mean(0)
        mean /= np.linalg.norm(mean)
        rows = weight[label].reshape(-1, weight.shape[-1])
        cosines = rows @ mean / np.linalg.norm(rows, axis=1)
        assert (cosines > (0.9999 if head == "CosFace" else 0.98)).all()
    if head == "CosFace":
        np.testing.assert_allclose(np.linalg.norm(weight, axis=1), np.linalg.norm(drawn, axis=1), rtol=1e-5)


def test_a_fine_tuned_run_continues_to_the_bit(backend, start, tmp_path):
    settings = {"fine_tuning.lora_rank": 2, "steps": 4, "checkpoint_every": 1}

    def interrupt(step, steps, text):
        if step == 2:
            raise KeyboardInterrupt

    run_training(config(start, backend, **settings), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_training(config(start, backend, **settings), tmp_path / "broken", on_progress=interrupt)
    run_training(config(start, backend, **settings), tmp_path / "broken", resume=True)
    for name in ("weights", "checkpoints/step-4/optimizer", "checkpoints/step-4/head"):
        ends = [read_arrays(tmp_path / run / f"{name}.safetensors")[0] for run in ("whole", "broken")]
        assert set(ends[0]) == set(ends[1])
        for key in ends[0]:
            np.testing.assert_array_equal(ends[1][key], ends[0][key], err_msg=f"{name}: {key}")
