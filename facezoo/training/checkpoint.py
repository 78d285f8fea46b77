"""Checkpoints of a run: ``checkpoints/step-N/``, written to a temporary folder, synced and renamed."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.weights import KEY, check_finite, read_arrays, write_arrays
from facezoo.errors import CheckpointError
from facezoo.interfaces.engine import Engine
from facezoo.io.files import atomic_folder, file_hash
from facezoo.io.json_text import parse_json
from facezoo.training.model import Model

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """The progress of a run.

    Attributes:
        step: steps finished.
        best: best validation accuracy so far, 0..1, or -1.
        best_step: when that was.
        stale: validations since then.
        loss: mean of the last steps, once the run has ended.
        accuracy: of the last validation, 0..1.
        stopped: "done" or "early" once the run has ended, else empty.
        world_size: processes that trained together.
        data: what the training data were, see :func:`facezoo.training.fingerprint.fingerprint`.
        config: the resolved configuration.
    """

    step: int = 0
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    loss: float | None = None
    accuracy: float | None = None
    stopped: str = ""
    world_size: int = 1
    data: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(run: Path, model: Model, engine: Engine, progress: Progress, *, keep: int) -> Path:
    """Write a checkpoint and delete the oldest beyond ``keep``.

    Raises:
        CheckpointError: it cannot be written; earlier ones are kept.
    """
    folder = run / "checkpoints" / f"step-{progress.step}"
    if folder.is_dir():
        return folder
    try:
        with atomic_folder(folder) as part:
            model.save(part / "backbone.safetensors")
            head = {KEY: json.dumps({"head": progress.config.get("head")})}
            write_arrays(part / "head.safetensors", get_state(engine.head), head)
            optimizer = {KEY: json.dumps({"optimizer": engine.settings.optimizer.name})}
            write_arrays(part / "optimizer.safetensors", engine.optimizer_state(), optimizer)
            files = {file.name: file_hash(file) for file in sorted(part.glob("*.safetensors"))}
            (part / "state.json").write_text(json.dumps({**progress.__dict__, "files": files}, indent=1), "utf-8")
    except OSError as error:
        raise CheckpointError(
            f"cannot write checkpoint {str(folder)!r}: {error}; earlier checkpoints are kept"
        ) from error
    for old in checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def checkpoints(run: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    folder = run / "checkpoints"
    found = [path for path in folder.glob("step-*") if path.name[5:].isdigit() and (path / "state.json").is_file()]
    return sorted(found, key=lambda path: int(path.name[5:]))


def latest_checkpoint(run: Path) -> Path:
    """The newest checkpoint whose files are as they were written; damaged ones are skipped with a warning.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(run)
    reasons = []
    for folder in reversed(found):
        reason = damage(folder)
        if reason is None:
            return folder
        reasons.append(f"{folder.name}: {reason}")
        logger.warning("checkpoint %s is damaged (%s); trying the one before", folder, reason)
    if reasons:
        raise CheckpointError(f"every checkpoint in {str(run)!r} is damaged; the newest is {reasons[0]}")
    raise CheckpointError(f"no checkpoint in {str(run)!r}; expected checkpoints/step-N there")


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint's files, or None; those of version 0.1 have no hashes to compare with."""
    try:
        stored = parse_json((folder / "state.json").read_text(encoding="utf-8")).get("files", {})
    except (OSError, ValueError, AttributeError) as error:
        return f"state.json: {' '.join(str(error).split())}"
    for name, sha256 in stored.items():
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
    head_state, block = _read(folder / "head.safetensors")
    if block.get("head") != head:
        raise CheckpointError(f"{str(folder)!r} holds the head {block.get('head')}; this run has {head}")
    optimizer_state, block = _read(folder / "optimizer.safetensors")
    stored, wanted = block.get("optimizer", "sgd"), engine.settings.optimizer.name  # version 0.1 had SGD alone
    if optimizer_state and stored != wanted:
        raise CheckpointError(f"{str(folder)!r} holds the state of the optimiser {stored}; this run has {wanted}")
    check_finite(state, folder / "backbone.safetensors")
    set_state(engine.backbone, state)
    set_state(engine.head, head_state)
    engine.load_optimizer_state(optimizer_state)
    return progress


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays, metadata = read_arrays(path)
    try:
        return arrays, dict(parse_json(metadata.get(KEY, "{}")))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{str(path)!r} has unusable metadata: {error}") from error
