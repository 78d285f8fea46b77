"""What goes wrong in a run loses nothing: broken steps, failures between steps, damaged checkpoints, changed data."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from filelock import FileLock

import facezoo
from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.weights import read_arrays, write_arrays
from facezoo.cli.main import main
from facezoo.errors import CheckpointError, ConfigError, DataError, WorkerError
from facezoo.training.checkpoint import checkpoints, latest_checkpoint, read_progress
from facezoo.training.launch import launched_processes
from facezoo.training.lock import LOCK
from facezoo.training.resume import resumed_config
from facezoo.training.run import run_training
from facezoo.training.setup import create_engine
from facezoo.zoo import catalog


@pytest.mark.parametrize("name", catalog.HEADS)
def test_the_state_of_every_head_is_stored_and_loaded(name, backend, tmp_path):
    build = lambda seed: facezoo.create_head(name, backend=backend, embedding_size=8, num_classes=4, seed=seed)  # noqa: E731
    first, second = build(1), build(2)
    write_arrays(tmp_path / "head.safetensors", get_state(first), {"head": name})
    state, _ = read_arrays(tmp_path / "head.safetensors")
    set_state(second, state)
    for key, value in get_state(first).items():
        assert state[key].shape == value.shape
        np.testing.assert_array_equal(get_state(second)[key], value)
    set_state(second, {key: value.reshape(value.shape or (1,)) for key, value in state.items()})  # as 0.1 wrote scalars


def test_a_broken_step_changes_nothing(tiny, backend):
    config = tiny(backend=backend, head="AdaFace", backbone_options={"dropout": 0.0})
    engine = create_engine(config, 4)
    engine.set_learning_rate(0.01)
    images = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8)
    labels = np.arange(4)
    assert engine.train_step(images, labels, 0).applied
    state = get_state(engine.backbone)
    name = next(name for name in state if name.endswith("conv.weight"))
    set_state(engine.backbone, {name: np.full_like(state[name], np.inf)}, strict=False)
    before = {part: get_state(getattr(engine, part)) for part in ("backbone", "head")}
    momentum = engine.optimizer_state()
    assert not engine.train_step(images, labels, 1).applied
    for part, values in before.items():
        for key, value in get_state(getattr(engine, part)).items():
            np.testing.assert_array_equal(value, values[key], err_msg=f"{part}.{key}")
    for key, value in engine.optimizer_state().items():
        np.testing.assert_array_equal(value, momentum[key])


def test_a_failure_between_steps_saves_the_last_one(tiny, tmp_path, monkeypatch):
    from facezoo.data.loading import loader

    batches = loader.Loader.epoch

    def failing(self, epoch, start=0):
        for number, batch in enumerate(batches(self, epoch, start)):
            if number == 3:
                raise WorkerError("a worker process ended")
            yield batch

    monkeypatch.setattr(loader.Loader, "epoch", failing)
    with pytest.raises(WorkerError):
        run_training(tiny(checkpoint_every=100), tmp_path / "run")
    assert [folder.name for folder in checkpoints(tmp_path / "run")] == ["step-3"]
    monkeypatch.undo()
    config = resumed_config(tmp_path / "run", {})
    assert run_training(config, tmp_path / "run", resume=True).result.step == 6


def test_a_progress_line_or_a_log_that_cannot_be_written_does_not_end_the_run(tiny, tmp_path, monkeypatch, caplog):
    calls = []

    def closed(done, total=None, text="", /):
        calls.append(done)
        raise BrokenPipeError(32, "Broken pipe")

    from facezoo.training import log

    class Full:
        def __init__(self, stream):
            self.stream = stream

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def write(self, text):
            raise OSError(28, "No space left on device")

    init = log.RunLog.__init__

    def broken(self, *arguments, **options):
        init(self, *arguments, **options)
        self._file = Full(self._file)

    monkeypatch.setattr(log.RunLog, "__init__", broken)
    with caplog.at_level(logging.WARNING, "facezoo"):
        finished = run_training(tiny(), tmp_path / "run", on_progress=closed)
    assert finished.result.step == 6
    assert calls == [1]
    assert "progress can no longer be shown" in caplog.text
    assert caplog.text.count("the log can no longer be written") == 1


def test_a_damaged_checkpoint_is_skipped_and_reported(tiny, tmp_path, caplog):
    run = tmp_path / "run"
    run_training(tiny(), run)
    (run / "weights.safetensors").unlink()
    newest = checkpoints(run)[-1]
    data = bytearray((newest / "backbone.safetensors").read_bytes())
    data[-5] ^= 1  # one flipped bit
    (newest / "backbone.safetensors").write_bytes(bytes(data))
    with caplog.at_level(logging.WARNING, "facezoo"):
        assert latest_checkpoint(run).name == "step-4"
    assert "backbone.safetensors has changed" in caplog.text
    assert run_training(resumed_config(run, {}), run, resume=True).result.step == 6
    for folder in checkpoints(run):
        (folder / "state.json").write_text("")
    with pytest.raises(CheckpointError, match="every checkpoint"):
        latest_checkpoint(run)


def test_other_data_are_refused_and_moved_data_are_not(tmp_path, tiny):
    from PIL import Image

    def folder(name, people):
        for person in people:
            (tmp_path / name / person).mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (16, 16), (40 * number, 0, 0)).save(tmp_path / name / person / f"{number}.png")
        return str(tmp_path / name)

    run = tmp_path / "run"
    options = {"data.path": folder("faces", "abcd"), "backbone_options": {"input_size": 32}, "steps": 2}
    run_training(tiny(**options), run)
    moved = {"data.path": folder("moved", "abcd"), "steps": 4}
    assert run_training(resumed_config(run, moved), run, resume=True).result.step == 4
    renamed = {"data.path": folder("renamed", ["a", "b", "c", "e"]), "steps": 6}
    with pytest.raises(CheckpointError, match="training data have changed"):
        run_training(resumed_config(run, renamed), run, resume=True)


def test_one_run_per_folder(tiny, tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints" / ".step-3.x.part").mkdir(parents=True)
    with FileLock(run / LOCK), pytest.raises(ConfigError, match="another process trains in"):
        run_training(tiny(steps=2), run)
    run_training(tiny(steps=2), run)
    assert not list((run / "checkpoints").glob(".*.part"))
    for folder in checkpoints(run):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    with pytest.raises(ConfigError, match="holds a run already"):  # its weights are still there
        run_training(tiny(steps=2), run)


def test_resuming_a_finished_run_leaves_its_record(tiny, tmp_path, capsys):
    run = tmp_path / "run"
    finished = run_training(tiny(), run)
    before = {path: path.read_bytes() for path in run.glob("weights*")}
    again = run_training(resumed_config(run, {}), run, resume=True)
    assert (again.result.loss, again.result.accuracy) == (finished.result.loss, finished.result.accuracy)
    assert {path: path.read_bytes() for path in run.glob("weights*")} == before
    assert main(["train", "--resume", "--out", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loss"] == pytest.approx(finished.result.loss)
    with pytest.raises(ConfigError, match="steps is 3, but the run to resume has finished 6"):
        resumed_config(run, {"steps": 3})
    assert resumed_config(run, {"epochs": 50}).steps is None


def test_a_run_that_stopped_early_stays_stopped(tiny, tmp_path, monkeypatch):
    falling = iter([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    monkeypatch.setattr(
        "facezoo.training.validation.Validator.__call__",
        lambda self, embed: {"accuracy": next(falling), "standard_error": 0.0},
    )
    run = tmp_path / "run"
    run_training(tiny(validation__every=1, validation__patience=2), run)
    assert run_training(resumed_config(run, {}), run, resume=True).result.step == 3
    patient = resumed_config(run, {"validation.patience": 0})
    assert run_training(patient, run, resume=True).result.step == 6
    assert read_progress(latest_checkpoint(run)).stopped == "done"


def test_a_learning_rate_that_broke_the_run_may_be_lowered(tiny, tmp_path):
    run_training(tiny(steps=2), tmp_path / "run")
    changed = {"lr": 0.001, "clip_norm": 1.0, "data.max_bad_share": 0.5, "validation.every": 1, "head": "CosFace"}
    assert resumed_config(tmp_path / "run", changed).lr == 0.001
    assert resumed_config(tmp_path / "run", {"head": "CosFace"}).head == "CosFace"
    assert tiny(head="cosface").head == "CosFace"


def test_class_counts_reach_an_extra_term(tiny, backend):
    from facezoo.training.model import build_model, build_run_head, check_stream

    labels = np.array([0, 0, 0, 1, 1, 2, 3])
    config = tiny(backend=backend, head_options={"extra": {"ClassBalanced": {"beta": 0.9}}})
    head = build_run_head(config, build_model(config), 4, labels)
    counts = [value.tolist() for name, value in get_state(head).items() if name.endswith("class_counts")]
    assert counts == [[3, 2, 1, 1]]
    with pytest.raises(ConfigError, match="stream of shards"):
        check_stream(config)


@pytest.mark.parametrize(
    ("rank", "name", "wanted"), [("0", "auto", 0), ("3", "gpu", 3), ("7", "auto", 7), ("3", "gpu:1", 1)]
)
def test_each_process_takes_its_own_gpu(rank, name, wanted, backend, monkeypatch):
    pick = facezoo.backends.module(backend, "device").pick_device
    if backend == "torch":
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.device_count", lambda: 8)
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert str(pick(name)) == f"cuda:{wanted}"
    else:
        monkeypatch.setattr("paddle.is_compiled_with_cuda", lambda: True)
        monkeypatch.setattr("paddle.device.cuda.device_count", lambda: 8)
        monkeypatch.setenv("FLAGS_selected_gpus", rank)
        assert pick(name) == f"gpu:{wanted}"
    with pytest.raises(ConfigError, match="GPU 8 for this process"):
        pick("gpu:8")


def test_a_missing_folder_is_a_data_error(tiny, tmp_path):
    with pytest.raises(DataError):
        run_training(tiny(data__path=str(tmp_path / "nowhere")), tmp_path / "run")


def test_training_and_validation_show_a_face_in_the_same_geometry():
    """A circle in a tall image stays a circle in both."""
    from facezoo.data.loading.prepare import resized
    from facezoo.data.transforms.crop import central_crop

    y, x = np.mgrid[:109, :89]
    image = np.repeat(((np.hypot(y - 54, x - 44) < 20) * 255).astype(np.uint8)[..., None], 3, axis=2)
    shown = resized(image, (112, 112))
    np.testing.assert_array_equal(shown, central_crop(image, (112, 112)))
    circle = shown[..., 0] > 127
    assert abs(int(circle.any(axis=0).sum()) - int(circle.any(axis=1).sum())) <= 1


def test_an_unreadable_image_held_out_counts_against_the_allowed_share(tiny, tmp_path, caplog):
    from PIL import Image

    for person in range(8):
        (tmp_path / "faces" / f"p{person}").mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (16, 16), (40 * number, 0, 0)).save(tmp_path / "faces" / f"p{person}" / f"{number}.png")
    for bad in (tmp_path / "faces").glob("p*/0.png"):
        bad.write_bytes(b"no image")
    options = {"data__path": str(tmp_path / "faces"), "validation__holdout": 4, "steps": 2}
    with pytest.raises(DataError, match="images held out cannot be read; the first"):
        run_training(tiny(**options), tmp_path / "strict")
    with caplog.at_level(logging.WARNING, "facezoo"):
        finished = run_training(tiny(**options, data__max_bad_share=0.5), tmp_path / "run")
    assert finished.result.accuracy is not None
    assert "their pairs are left out" in caplog.text


@pytest.mark.parametrize(
    ("backend_name", "environment", "match"),
    [
        ("torch", {"WORLD_SIZE": "2"}, "WORLD_SIZE is 2, but RANK is not set"),
        ("torch", {"WORLD_SIZE": "two", "RANK": "0"}, "WORLD_SIZE is 'two'; expected a number"),
        ("torch", {"WORLD_SIZE": "2", "RANK": "2"}, "RANK is 2; expected 0 to 1"),
        ("paddle", {"WORLD_SIZE": "2", "RANK": "0"}, "set by a launcher of torch; start paddle with"),
        ("torch", {"PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ID": "1"}, "set by a launcher of paddle"),
    ],
)
def test_a_launcher_that_does_not_fit_is_refused(backend_name, environment, match):
    with pytest.raises(ConfigError, match=match):
        launched_processes(backend_name, environment)


def test_launched_processes():
    assert launched_processes("torch", {}) == (1, 0)
    assert launched_processes("torch", {"WORLD_SIZE": "3", "RANK": "2"}) == (3, 2)
    assert launched_processes("paddle", {"PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ID": "1"}) == (2, 1)
