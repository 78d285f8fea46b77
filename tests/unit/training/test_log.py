"""The log of a run, and the trackers beside it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from facezoo.deprecation import FacezooDeprecationWarning
from facezoo.errors import BackendUnavailableError, ConfigError
from facezoo.training.log import RunLog, read_log
from facezoo.training.trackers import group
from facezoo.training.trackers.group import CLASSES, wanted_trackers


def session(folder, names, steps, resumed_at=0, **place):
    log = RunLog(folder, resumed_at, trackers=names, **place)
    for step in steps:
        log.write(step, loss=float(step))
        if step == 2:
            log.write(step, validation="lfw", accuracy=0.5)
    log.close()


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_continues_where_the_run_was_resumed(tmp_path):
    session(tmp_path, ["tensorboard"], (1, 2, 3, 4))
    session(tmp_path, ["tensorboard"], (3, 4, 5), resumed_at=2)
    shown = scalars(tmp_path)
    assert shown["loss"] == [(step, float(step)) for step in (1, 2, 3, 4, 5)]
    assert shown["validation/lfw/accuracy"] == [(2, 0.5)]


def test_a_tracker_added_later_gets_the_steps_before_and_stages_are_one_record(tmp_path):
    session(tmp_path, [], (1, 2), stage="first")
    session(tmp_path, ["tensorboard"], (1, 2), first_step=2, stage="second")
    assert [step for step, _ in scalars(tmp_path)["loss"]] == [1, 2, 3, 4]


@pytest.fixture
def stand_ins(monkeypatch):
    """Modules in place of wandb, mlflow and visualdl that record (tracker, what, values)."""
    calls = []

    class Writer:
        def __init__(self, folder, **options):
            calls.append(("visualdl", "open", folder))

        def add_scalar(self, name, value, step, walltime):
            calls.append(("visualdl", name, step))

        def close(self):
            calls.append(("visualdl", "close", None))

    class Client:
        def __init__(self, tracking_uri):
            calls.append(("mlflow", "open", tracking_uri))

        get_experiment_by_name = staticmethod(lambda name: None)
        create_experiment = staticmethod(lambda name: "1")
        create_run = staticmethod(lambda experiment, run_name: SimpleNamespace(info=SimpleNamespace(run_id="run-7")))
        get_metric_history = staticmethod(lambda run, name: [SimpleNamespace(step=3)])

        def log_batch(self, run, metrics=(), params=()):
            assert run == "run-7"
            calls.extend(("mlflow", name, step) for name, _, _, step in metrics)
            calls.extend(("mlflow", "setting", param) for param in params)

        def update_run(self, run, status):
            calls.append(("mlflow", "update", run))

        def set_terminated(self, run):
            calls.append(("mlflow", "close", run))

    class Run:
        log = staticmethod(lambda values, step: calls.extend(("wandb", name, step) for name in values))
        finish = staticmethod(lambda: calls.append(("wandb", "close", None)))

    def init(**options):
        calls.append(("wandb", "open", (options["id"], options["mode"], options["resume"])))
        return Run

    def put(name, **content):
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)

    put("visualdl", LogWriter=Writer)
    put("mlflow", MlflowClient=Client)
    put("mlflow.entities", Metric=lambda *values: values, Param=lambda *values: values)
    put("wandb", init=init, Settings=dict)
    for name in ("WANDB_MODE", "WANDB_ERROR_REPORTING", "MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE",
                 "MLFLOW_DISABLE_TELEMETRY"):  # fmt: skip
        monkeypatch.setenv(name, "")  # so that what the trackers set is taken back
        monkeypatch.delenv(name)
    return calls


OTHERS = ["wandb", "mlflow", "visualdl"]


def test_the_trackers_stay_offline_and_continue_one_record(tmp_path, stand_ins):
    (tmp_path / "config.yaml").write_text("lr: 0.1\ndata: {path: faces}\n", encoding="utf-8")
    session(tmp_path, OTHERS, (1, 2, 3))
    assert ("mlflow", "open", (tmp_path / "mlflow").as_uri()) in stand_ins
    assert ("mlflow", "setting", ("data.path", "faces")) in stand_ins
    assert ("visualdl", "open", str(tmp_path / "visualdl")) in stand_ins
    (opened,) = [what for name, kind, what in stand_ins if (name, kind) == ("wandb", "open")]
    assert opened[1:] == ("offline", "allow")
    for name in OTHERS:
        assert [step for who, what, step in stand_ins if who == name and what == "loss"] == [1, 2, 3]
        assert (name, "validation/lfw/accuracy", 2) in stand_ins
        assert any(who == name and what == "close" for who, what, _ in stand_ins)
    stand_ins.clear()
    session(tmp_path, OTHERS, (3, 4), resumed_at=2)
    assert ("wandb", "open", opened) in stand_ins
    assert ("mlflow", "update", "run-7") in stand_ins
    held = {"wandb": [3, 4], "mlflow": [4], "visualdl": [1, 2, 3, 4]}  # MLflow holds step 3; VisualDL is written again
    for name, steps in held.items():
        assert [step for who, what, step in stand_ins if who == name and what == "loss"] == steps


def test_a_tracker_that_fails_is_left_out_and_the_log_goes_on(tmp_path, stand_ins, monkeypatch, caplog):
    def refuse(*_, **__):
        raise RuntimeError("no space\nleft")

    monkeypatch.setattr(sys.modules["visualdl"], "LogWriter", refuse)
    monkeypatch.setattr(sys.modules["mlflow"].MlflowClient, "log_batch", refuse)
    session(tmp_path, OTHERS, (1, 2))
    assert [record.message for record in caplog.records] == [
        "visualdl is no longer written: RuntimeError: no space left",
        "mlflow is no longer written: RuntimeError: no space left",
    ]
    assert len(read_log(tmp_path)) == 3
    assert ("wandb", "loss", 2) in stand_ins


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch, tiny):
    from facezoo.training.check import check_run

    monkeypatch.setattr(group.importlib.util, "find_spec", lambda name: None)
    for name in CLASSES:
        with pytest.raises(BackendUnavailableError, match=rf"{name}.*pip install 'facezoo\[{name}\]'"):
            wanted_trackers([name])
    assert wanted_trackers(None) == []
    monkeypatch.undo()
    monkeypatch.setattr(group, "_installed", lambda name: False)
    with pytest.raises(BackendUnavailableError, match="visualdl"):
        check_run(tiny(trackers=["visualdl"]))


def test_the_setting_reaches_the_log(tiny, tmp_path, stand_ins, monkeypatch):
    from facezoo.training.run import run_training

    monkeypatch.setattr(group, "_installed", lambda name: True)
    run_training(tiny(trackers=["visualdl"]), tmp_path / "run")
    assert (tmp_path / "run" / "log.jsonl").is_file()
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert ("visualdl", "loss", 6) in stand_ins


def test_the_earlier_key_means_the_same(tiny):
    assert tiny(tensorboard=True).trackers is None
    with pytest.warns(FacezooDeprecationWarning, match="use trackers"):
        assert tiny(tensorboard=False, trackers=["tensorboard", "wandb"]).trackers == ["wandb"]
    with pytest.raises(ConfigError, match="tensorboard is 3; expected true or false"):
        tiny(tensorboard=3)
    with pytest.raises(ConfigError, match="comet"):
        tiny(trackers=["comet"])


@pytest.mark.full
@pytest.mark.parametrize("name", CLASSES)
def test_the_packages_themselves(name, tiny, tmp_path, monkeypatch, caplog):
    """A run that is stopped and resumed, with each package as it is installed."""
    from facezoo.training.resume import resumed_config
    from facezoo.training.run import run_training

    for variable in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY", "WANDB_ERROR_REPORTING"):
        monkeypatch.setenv(variable, "false" if variable.startswith("WANDB") else "true")
    run = tmp_path / "run"
    run_training(tiny(trackers=[name], steps=4), run)
    run_training(resumed_config(run, {"steps": 6}), run, resume=True)
    assert not [record.message for record in caplog.records if "no longer written" in record.message]
    if name == "visualdl":
        from visualdl import LogReader

        shown = LogReader(file_path=str(run / "visualdl" / "vdlrecords.run.log")).get_data("scalar", "loss")
        assert [item.id for item in shown] == [1, 2, 3, 4, 5, 6]
    elif name == "mlflow":
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=(run / "mlflow").as_uri())
        (experiment,) = client.search_experiments(filter_string="name = 'facezoo'")
        (found,) = client.search_runs([experiment.experiment_id])
        assert [metric.step for metric in client.get_metric_history(found.info.run_id, "loss")] == [1, 2, 3, 4, 5, 6]
        assert found.data.params["backbone"] == "MobileFaceNet"
        assert found.info.status == "FINISHED"
    elif name == "wandb":
        names = {path.name for path in (run / "wandb").glob("offline-run-*/run-*.wandb")}
        assert len(names) == 1
        assert len(list((run / "wandb").glob("offline-run-*"))) == 2
    else:
        assert [step for step, _ in scalars(run)["loss"]] == [1, 2, 3, 4, 5, 6]
