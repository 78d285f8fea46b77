"""Checkpoints of a run: ``checkpoints/step-N/``, written to a temporary folder, synced and renamed."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.canonical.class_rows import ClassRows
from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.shared_arrays import create_file, read_part, write_rows
from facezoo.checkpoints.weights import KEY, check_finite, write_arrays
from facezoo.errors import CheckpointError
from facezoo.interfaces.engine import Engine
from facezoo.interfaces.optimizer import SLOTS, state_name
from facezoo.io.files import atomic_folder, file_hash, publish_folder
from facezoo.io.json_text import parse_json
from facezoo.training.model import Model

logger = logging.getLogger(__name__)

AVERAGE, DISTILLATION = "average.safetensors", "distillation.safetensors"  # only of runs that have them


@dataclass
class Progress:
    """The progress of a run.

    Attributes:
        step: steps finished.
        best: best validation accuracy so far, 0..1, or -1.
        best_step: when that was.
        stale: validations since then.
        loss: mean of the last steps, once the run has ended.
        accuracy: of the last validation, 0..1; of the watched set where there are several.
        accuracies: of the last validation, by the name of the set.
        stopped: "done" or "early" once the run has ended, else empty.
        skipped: steps that changed nothing because float16 overflowed.
        world_size: processes that trained together.
        data: what the training data were, see :func:`facezoo.data.sources.fingerprint.fingerprint`.
        config: the resolved configuration.
        origin: "weights" and "sha256" of the file that the backbone started from; empty where it was drawn.
    """

    step: int = 0
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    loss: float | None = None
    accuracy: float | None = None
    accuracies: dict[str, float] = field(default_factory=dict)
    stopped: str = ""
    skipped: int = 0
    world_size: int = 1
    data: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)


def save_checkpoint(run: Path, model: Model, engine: Engine, progress: Progress, *, keep: int) -> Path:
    """Write a checkpoint and delete the oldest beyond ``keep``.

    The files are the same for any number of processes. Where the classes are divided, all processes must call this,
    and each writes its rows; else rank 0 writes, and the others return at once.

    Raises:
        CheckpointError: it cannot be written; earlier ones are kept.
    """
    folder = run / "checkpoints" / f"step-{progress.step}"
    together = engine.rows is not None and engine.world_size > 1
    if engine.any(folder.is_dir()) if together else (engine.rank > 0 or folder.is_dir()):
        return folder
    try:
        if together:
            _write_together(folder, model, engine, progress)
        else:
            with atomic_folder(folder) as part:
                for name, arrays, metadata in _contents(engine, progress):
                    write_arrays(part / name, arrays, metadata)
                _finish(part, model, engine, progress)
    except OSError as error:
        raise CheckpointError(
            f"cannot write checkpoint {str(folder)!r}: {error}; earlier checkpoints are kept"
        ) from error
    if engine.rank == 0:
        for old in checkpoints(run)[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _contents(engine: Engine, progress: Progress) -> list[tuple[str, dict[str, np.ndarray], dict[str, str]]]:
    """File, arrays and metadata of head and optimiser."""
    head = {KEY: json.dumps({"head": progress.config.get("head")})}
    optimizer = {KEY: json.dumps({"optimizer": engine.settings.optimizer.name})}
    return [
        ("head.safetensors", get_state(engine.head), head),
        ("optimizer.safetensors", engine.optimizer_state(), optimizer),
    ]


def _finish(part: Path, model: Model, engine: Engine, progress: Progress) -> None:
    """Backbone, its average, projection to the teacher, and the state of the run with the hashes of all files."""
    model.save(part / "backbone.safetensors")
    if engine.average is not None:
        replace(model, backbone=engine.average).save(part / AVERAGE)
    if engine.distiller is not None:
        write_arrays(part / DISTILLATION, get_state(engine.distiller), {})
    files = {file.name: file_hash(file) for file in sorted(part.glob("*.safetensors"))}
    (part / "state.json").write_text(json.dumps({**progress.__dict__, "files": files}, indent=1), "utf-8")


def _write_together(folder: Path, model: Model, engine: Engine, progress: Progress) -> None:
    """Each process writes its rows into the same files; a failure of one is a failure of all."""
    rows = engine.rows
    assert rows is not None
    part = folder.with_name(f".{folder.name}.part")
    divided = divided_arrays(engine)
    contents = _contents(engine, progress)

    def create() -> None:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, arrays, metadata in contents:
            create_file(part / name, arrays, rows, divided, metadata)

    def write() -> None:
        for name, arrays, _ in contents:
            write_rows(part / name, arrays, rows, divided, whole=engine.rank == 0)

    def publish() -> None:
        _finish(part, model, engine, progress)
        publish_folder(part, folder)

    for action, by_all in ((create, False), (write, True), (publish, False)):
        failure: Exception | None = None
        if by_all or engine.rank == 0:
            try:
                action()
            except (OSError, CheckpointError) as error:
                failure = error
        if engine.any(failure is not None):
            if engine.rank == 0:
                shutil.rmtree(part, ignore_errors=True)
            raise OSError(str(failure or "another process could not write its part"))


def divided_arrays(engine: Engine) -> set[str]:
    """Names, in the files of head and optimiser, of arrays with one row per class."""
    if engine.rows is None:
        return set()
    names = [name for name, _, _ in engine.head.row_tensors()]
    optimizer = engine.settings.optimizer.name
    return {*names, *(state_name(optimizer, slot, f"head.{name}") for name in names for slot in SLOTS[optimizer])}


def checkpoints(run: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    folder = run / "checkpoints"
    found = [path for path in folder.glob("step-*") if path.name[5:].isdigit() and (path / "state.json").is_file()]
    return sorted(found, key=lambda path: int(path.name[5:]))


def latest_checkpoint(run: Path, *, verify: bool = True) -> Path:
    """The newest checkpoint whose files are as they were written; damaged ones are skipped with a warning.

    Args:
        run: the run's folder.
        verify: compare the hashes of all files; False only asks that ``state.json`` can be read.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(run)
    reasons = []
    for folder in reversed(found):
        reason = damage(folder, verify)
        if reason is None:
            return folder
        reasons.append(f"{folder.name}: {reason}")
        logger.warning("checkpoint %s is damaged (%s); trying the one before", folder, reason)
    if reasons:
        raise CheckpointError(f"every checkpoint in {str(run)!r} is damaged; the newest is {reasons[0]}")
    raise CheckpointError(f"no checkpoint in {str(run)!r}; expected checkpoints/step-N there")


def damage(folder: Path, verify: bool = True) -> str | None:
    """What is wrong with a checkpoint's files, or None; those of version 0.1 have no hashes to compare with."""
    try:
        stored = parse_json((folder / "state.json").read_text(encoding="utf-8")).get("files", {})
    except (OSError, ValueError, AttributeError) as error:
        return f"state.json: {' '.join(str(error).split())}"
    for name, sha256 in stored.items() if verify else ():
        try:
            if file_hash(folder / name) != sha256:
                return f"{name} has changed"
        except OSError as error:
            return f"{name}: {error.strerror}"
    return None


def read_progress(folder: Path) -> Progress:
    """The progress stored in a checkpoint.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        stored = parse_json((folder / "state.json").read_text(encoding="utf-8"))
        stored.pop("files", None)
        return Progress(**stored)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{str(folder / 'state.json')!r} is damaged: {error}") from error


def checkpoint_to_resume(run: Path, engine: Engine) -> Path:
    """Like :func:`latest_checkpoint`, found by rank 0 for all processes.

    Raises:
        CheckpointError: there is none.
    """
    step = -1
    failure: CheckpointError | None = None
    if engine.rank == 0:
        try:
            step = int(latest_checkpoint(run).name[5:])
        except CheckpointError as error:
            failure = error
    step = int(engine.gather(np.array([step]))[0])
    if step < 0:
        raise failure or CheckpointError(f"no usable checkpoint in {str(run)!r}; see the message of rank 0")
    return run / "checkpoints" / f"step-{step}"


def load_checkpoint(folder: Path, model: Model, engine: Engine, head: str) -> Progress:
    """Load a checkpoint into an engine of either backend.

    Args:
        folder: of the checkpoint.
        model: of the run that continues.
        engine: takes the state.
        head: name of the run's head.

    Raises:
        CheckpointError: it is damaged, or belongs to another architecture, head, optimiser or number of identities.
    """
    progress = read_progress(folder)
    state, block = _read(folder / "backbone.safetensors")
    found = block.get("backbone", block.get("module")), block.get("embedding_size")
    if found != (model.name, model.embedding_size):
        raise CheckpointError(
            f"{str(folder)!r} holds {found[0]} with embedding size {found[1]}; "
            f"this run is {model.name} with {model.embedding_size}"
        )
    divided = divided_arrays(engine)
    head_state, block = _read(folder / "head.safetensors", engine.rows, divided)
    if block.get("head") != head:
        raise CheckpointError(f"{str(folder)!r} holds the head {block.get('head')}; this run has {head}")
    optimizer_state, block = _read(folder / "optimizer.safetensors", engine.rows, divided)
    stored, wanted = block.get("optimizer", "sgd"), engine.settings.optimizer.name  # version 0.1 had SGD alone
    if optimizer_state and stored != wanted:
        raise CheckpointError(f"{str(folder)!r} holds the state of the optimiser {stored}; this run has {wanted}")
    check_finite(state, folder / "backbone.safetensors")
    set_state(engine.backbone, state)
    set_state(engine.head, head_state)
    for module, name in ((engine.average, AVERAGE), (engine.distiller, DISTILLATION)):
        if module is not None:
            set_state(module, _read(folder / name)[0])
    engine.load_optimizer_state(optimizer_state)
    return progress


def _read(
    path: Path, rows: ClassRows | None = None, divided: set[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays, metadata = read_part(path, rows, divided or set())
    try:
        return arrays, dict(parse_json(metadata.get(KEY, "{}")))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{str(path)!r} has unusable metadata: {error}") from error
