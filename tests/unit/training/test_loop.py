"""A run as a whole: log, checkpoints, validation, early stop, and what happens when numbers break."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facezoo.canonical.state import get_state
from facezoo.checkpoints.weights import load_weights, read_weights
from facezoo.errors import CheckpointError, ConfigError, NumericalError
from facezoo.training.checkpoint import checkpoints, latest_checkpoint, load_checkpoint
from facezoo.training.model import build_model, build_run_head
from facezoo.training.resume import resumed_config
from facezoo.training.run import run_training
from facezoo.training.setup import build_engine


def test_a_run_leaves_log_checkpoints_and_a_weight_file_for_either_backend(tiny, backend, tmp_path):
    config = tiny(backend=backend, validation__every=3)
    finished = run_training(config, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [record["loss"] for record in records if "loss" in record]
    assert len(losses) == 6
    assert np.isfinite(losses).all()
    assert [record["step"] for record in records if "accuracy" in record] == [3, 6]
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["step-2", "step-4", "step-6"]
    assert 0.3 < finished.result.accuracy <= 1
    assert (tmp_path / "run" / "best.safetensors").is_file()
    file = read_weights(finished.weights)
    other = "paddle" if backend == "torch" else "torch"
    loaded = get_state(load_weights(finished.weights, backend=other))
    assert set(loaded) == set(file.state)
    for name, value in file.state.items():
        np.testing.assert_array_equal(loaded[name], value)


def test_old_checkpoints_go(tiny, tmp_path):
    run_training(tiny(checkpoint_every=1, keep=2), tmp_path / "run")
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["step-5", "step-6"]


def test_a_run_stops_when_validation_no_longer_improves(tiny, tmp_path, monkeypatch):
    falling = iter([0.9, 0.8, 0.7, 0.6])
    monkeypatch.setattr(
        "facezoo.training.validation.Validator.__call__",
        lambda self, embed: {"accuracy": next(falling), "standard_error": 0.0},
    )
    finished = run_training(tiny(validation__every=1, validation__patience=2), tmp_path / "run")
    assert (finished.result.stopped, finished.result.step, finished.result.best) == ("early", 3, 0.9)


def test_numbers_that_break_stop_the_run_and_name_the_images(tiny, backend, tmp_path):
    config = tiny(
        backend=backend, lr=1e30, clip_norm=None, schedule__name="constant", schedule__warmup=0.0, compiled=False
    )
    config = config.model_copy(update={"clip_norm": None})
    with pytest.raises(NumericalError, match=r"step \d+: loss .*images of the batch"):
        run_training(config, tmp_path / "run")
    (listed,) = (tmp_path / "run").glob("broken-step-*.txt")
    assert len(listed.read_text().splitlines()) == config.batch_size


def test_a_folder_that_holds_a_run_is_not_overwritten(tiny, tmp_path):
    run_training(tiny(steps=2), tmp_path / "run")
    with pytest.raises(ConfigError, match="holds a run already"):
        run_training(tiny(steps=2), tmp_path / "run")


def test_resuming_refuses_another_experiment_but_not_another_backend(tiny, tmp_path):
    run_training(tiny(steps=2), tmp_path / "run")
    assert resumed_config(tmp_path / "run", {"backend": "paddle"}).backend == "paddle"
    with pytest.raises(ConfigError, match=r"batch_size is 8, but the run to resume has 4"):
        resumed_config(tmp_path / "run", {"batch_size": 8})
    with pytest.raises(ConfigError, match="backend is 'jax'"):
        resumed_config(tmp_path / "run", {"backend": "jax"})
    assert resumed_config(tmp_path / "run", {"schedule": {"name": "cosine"}, "data": {"workers": 2}}).data.workers == 2
    with pytest.raises(ConfigError, match=r"schedule.name is 'step', but the run to resume has 'cosine'"):
        resumed_config(tmp_path / "run", {"schedule": {"name": "step"}})
    with pytest.raises(CheckpointError, match="no checkpoint"):
        resumed_config(tmp_path / "elsewhere", {})


def test_a_full_disk_leaves_the_previous_checkpoint(tiny, tmp_path, monkeypatch):
    run = tmp_path / "run"
    run_training(tiny(steps=2), run)
    before = {path: path.read_bytes() for path in sorted(run.rglob("*.safetensors"))}

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        run_training(resumed_config(run, {"steps": 4}), run, resume=True)
    assert {path: path.read_bytes() for path in sorted(run.rglob("*.safetensors"))} == before
    assert [path.name for path in checkpoints(run)] == ["step-2"]


def test_a_half_written_checkpoint_is_not_taken(tiny, tmp_path):
    run = tmp_path / "run"
    run_training(tiny(steps=2), run)
    (run / "checkpoints" / "step-9").mkdir()
    (run / "checkpoints" / ".step-10.abc.part").mkdir()
    assert [path.name for path in checkpoints(run)] == ["step-2"]


def test_a_checkpoint_of_another_architecture_is_refused(tiny, tmp_path):
    def load(folder, config, classes):
        model = build_model(config)
        engine = build_engine(config, model, build_run_head(config, model, classes))
        load_checkpoint(folder, model, engine, config.head)

    run_training(tiny(steps=2), tmp_path / "run")
    folder = latest_checkpoint(tmp_path / "run")
    for changed, match in (
        (tiny(embedding_size=64), "embedding size 32"),
        (tiny(head="ArcFace"), "holds the head CosFace"),
    ):
        with pytest.raises(CheckpointError, match=match):
            load(folder, changed, 4)
    with pytest.raises(CheckpointError, match=r"weight has shape \(4, 32\).*expects \(5, 32\)"):
        load(folder, tiny(), 5)
