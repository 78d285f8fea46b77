"""One run from its configuration to its weight file: the folder, resuming and logging."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.data.loading.loader import Loader
from facezoo.data.sources.fingerprint import fingerprint
from facezoo.data.sources.source import Source, StreamSource
from facezoo.errors import CheckpointError, ConfigError
from facezoo.interfaces.engine import Engine
from facezoo.io.files import atomic_write
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.training import warm_start
from facezoo.training.card import training_card
from facezoo.training.checkpoint import Progress, checkpoint_to_resume, checkpoints, load_checkpoint
from facezoo.training.config import RunConfig
from facezoo.training.config_file import dump_config
from facezoo.training.launch import launched_processes, report_lost_process
from facezoo.training.lock import lock_run
from facezoo.training.log import RunLog
from facezoo.training.loop import TrainResult, is_finished, kept_model, stored_result, total_steps, train_loop
from facezoo.training.model import Model, build_model, build_run_head, check_stream
from facezoo.training.sessions import add_session
from facezoo.training.setup import build_engine, build_loader, open_data, with_precision
from facezoo.training.signals import stop_on_signals
from facezoo.training.stages import Position
from facezoo.training.start import add_adapters, load_start, start_head
from facezoo.training.teacher import Teacher, distillation_settings, open_teacher
from facezoo.training.trackers.group import wanted_trackers
from facezoo.training.validation import Validator
from facezoo.weights.card import write_card

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended.

    Attributes:
        folder: the run's.
        weights: the weight file of its last step.
        result: how it ended.
        backbone: the trained native module.
        is_main_process: whether this process is the one that writes files, of several that train together.
    """

    folder: Path
    weights: Path
    result: TrainResult
    backbone: Any
    is_main_process: bool


def run_training(
    config: RunConfig, run: Path, *, resume: bool = False, on_progress: OnProgress = ignore_progress,
    backbone: Any = None, head: Any = None, source: Source | None = None, position: Position | None = None,
) -> FinishedRun:  # fmt: skip
    """Train as configured, in folder ``run``.

    Args:
        config: the whole configuration; with ``resume`` as :func:`resumed_config` gives it.
        run: the run's folder; it must not hold another run unless ``resume``.
        resume: continue from the newest checkpoint, also one of the other backend.
        on_progress: called after each step with (steps done, steps in all, text).
        backbone: a module that is built already; None builds the configuration's.
        head: a module that is built already, or a class or function called with embedding_size and num_classes; None
            builds the configuration's.
        source: training faces that are open already; None opens ``data.path``.
        position: where this stage stands in a run of several; None for a run without stages.

    Raises:
        ConfigError: the folder holds a run already.
        TrainingInterrupted: a signal asked the run to stop; resume it.
        LostProcessError: of several processes one ended, or did not answer in time.
        DataError, CheckpointError, NumericalError, BackendUnavailableError: see where they are defined.
    """
    check_folder(run, resume)
    with report_lost_process(config.backend, config.parallel.timeout):
        return _run(config, run, resume, on_progress, backbone, head, source, position)


def _run(
    config: RunConfig, run: Path, resume: bool, on_progress: OnProgress, backbone: Any, head: Any,
    source: Source | None, position: Position | None,
) -> FinishedRun:  # fmt: skip
    wanted_trackers(config.trackers)  # a missing package is reported before anything is built
    faces, validators = open_data(config, source)
    labels = None if isinstance(faces, StreamSource) else faces.labels
    if labels is None:
        check_stream(config)
    model = build_model(config, backbone)
    origin = {} if resume else load_start(config, model)
    before = None if position is None or resume else position.before
    if before is not None:
        warm_start.start_backbone(model, before)
    add_adapters(config, model)
    processes = launched_processes(config.backend)
    rows = config.class_rows(faces.num_classes, processes.rank, processes.world_size)
    if head is not None and rows is not None:
        if config.parallel.head == "sharded" or config.parallel.sample_rate < 1:
            raise ConfigError("a head that is built already holds all classes: give its name to divide or sample them")
        rows = None
    native_head = build_run_head(config, model, faces.num_classes, labels, head, rows)
    config, remark = with_precision(config)
    teacher = open_teacher(config, model, faces)
    engine = build_engine(config, model, native_head, rows, distillation_settings(config, model, teacher))
    images = faces.length if isinstance(faces, StreamSource) else len(faces)
    main = engine.rank == 0  # of several processes one writes files and logs
    log_info = logger.info if main else logger.debug
    if position is None or position.first_step == 0:
        log_info("%s", dump_config(config))
    if remark and main:
        logger.warning("%s", remark)
    log_info(
        "%d images of %d identities; %s + %s on %s", images, faces.num_classes, model.name, config.head, config.backend
    )
    identities = faces.num_classes
    with lock_run(run, main):
        progress = (
            load_checkpoint(checkpoint_to_resume(run, engine), model, engine, config.head) if resume else Progress()
        )
        progress.data = _check_data(progress.data, faces)
        if before is not None and position is not None:
            warm_start.start_head(engine, before, position.classes_before or [], faces.class_names)
        elif not progress.step:
            start_head(config, engine, faces)
        progress.origin = progress.origin or origin
        if progress.step and progress.world_size != engine.world_size and main:
            before, now = progress.config["batch_size"] * progress.world_size, config.batch_size * engine.world_size
            logger.warning(
                "the run had %d processes and goes on with %d: a step %s %d images, %d in each process",
                progress.world_size, engine.world_size, "still holds" if before == now else "now holds", now,
                config.batch_size,
            )  # fmt: skip
        progress.config = config.model_dump(mode="json")
        progress.world_size = engine.world_size
        if main:
            with atomic_write(run / "config.yaml") as part:
                part.write_text(dump_config(config), encoding="utf-8")
            place = Position("", 0, run) if position is None else position
            add_session(place.log_folder, config, place.first_step + progress.step, engine.world_size)
        weights = run / "weights.safetensors"
        with build_loader(config, faces, run, engine.rank, engine.world_size) as loader:
            steps = total_steps(config, loader)
            finished = is_finished(progress, steps, config)
            if finished:
                log_info("the run has ended already, at step %d (%s)", progress.step, progress.stopped or "done")
                result = stored_result(progress)
            else:
                if progress.step:
                    log_info("continuing after step %d of %d", progress.step, steps)
                progress.stopped = ""
                result = _train(
                    config, model, engine, loader, validators, run, progress, main, on_progress, teacher, position
                )
            bad = len(loader.bad.reasons)
        if bad:
            log_info("%d images could not be read; they are listed in %s", bad, run / "bad_images.txt")
        model = kept_model(config, model, engine)
        if main and not (finished and weights.is_file()):
            model.save(weights, training=_training_block(config, result, progress, identities, images))
            name = run.resolve().name
            figures = [(item, progress.accuracies.get(item.name)) for item in validators]
            card = training_card(config, model, result, figures, name=name, identities=identities, images=images)
            write_card(card, weights)
    engine.barrier()
    return FinishedRun(run, weights, result, model.backbone, main)


def _train(
    config: RunConfig, model: Model, engine: Engine, loader: Loader, validators: list[Validator], run: Path,
    progress: Progress, main: bool, on_progress: OnProgress, teacher: Teacher | None,
    position: Position | None,
) -> TrainResult:  # fmt: skip
    """The loop, with the log and the signals around it."""
    place = Position("", 0, run) if position is None else position
    log = None
    if main:
        log = RunLog(
            place.log_folder, progress.step, trackers=wanted_trackers(config.trackers),
            first_step=place.first_step, stage=place.name,
        )  # fmt: skip
    try:
        with stop_on_signals() as stop:
            return train_loop(
                config, model, engine, loader, validators, log, run, progress,
                on_progress if main else ignore_progress, stop, teacher,
            )  # fmt: skip
    finally:
        if log is not None:
            log.close()


def _training_block(
    config: RunConfig, result: TrainResult, progress: Progress, identities: int, images: int
) -> dict[str, Any]:
    """How a weight file was made, for its metadata."""
    kept = (
        "head", "head_options", "batch_size", "optimizer", "lr", "momentum", "weight_decay", "precision", "seed",
        "backend", "distillation", "average",
    )  # fmt: skip
    values = config.model_dump(mode="json")
    return {
        **{key: values[key] for key in kept},
        "steps": result.step, "identities": identities, "images": images, "validation_accuracy": result.accuracy,
        "data": _data_names(config), **({"started_from": progress.origin} if progress.origin else {}),
    }  # fmt: skip


def _data_names(config: RunConfig) -> str:
    """Names of the training data, without the folders of this machine."""
    paths = [config.data.path] if isinstance(config.data.path, str) else config.data.path
    return "synthetic faces" if paths is None else ", ".join(Path(path).name for path in paths)


def _check_data(stored: dict[str, Any], source: Source | StreamSource) -> dict[str, Any]:
    """The fingerprint of the data. Other data are refused on resume, as every label would mean another person.

    Raises:
        CheckpointError: names, labels or counts differ from those of the run.
    """
    found = fingerprint(source)
    if stored and stored != found:  # version 0.1 stored none
        raise CheckpointError(
            f"the training data have changed since the run began: {stored.get('identities')} identities with "
            f"{stored.get('images')} images then, {found['identities']} with {found['images']} now, or other names; "
            "a resumed run needs the same identities and images"
        )
    return found


def check_folder(run: Path, resume: bool) -> None:
    """Refuse a folder that holds another run.

    Raises:
        ConfigError: it does, or it is a file.
    """
    if run.exists() and not run.is_dir():
        raise ConfigError(f"{str(run)!r} is a file; expected a folder for the run")
    if not resume and (checkpoints(run) or (run / "weights.safetensors").exists()):
        raise ConfigError(f"{str(run)!r} holds a run already; give --resume to continue it, or another --out")


def free_folder(backbone: str, head: str, backend: str) -> Path:
    """``runs/BACKBONE-HEAD-BACKEND``, with a number where that is taken."""
    backbone, head = (name.rpartition(":")[2] for name in (backbone, head))
    base = Path("runs") / f"{backbone}-{head}-{backend}"
    candidates = [base, *(base.with_name(f"{base.name}-{number}") for number in range(2, 10_000))]
    for candidate in candidates:
        if not candidate.exists():
            return candidate
    raise CheckpointError(f"{str(base)!r} and 9,998 more exist; clear the runs folder")
