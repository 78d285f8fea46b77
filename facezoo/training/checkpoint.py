"""A run on disk: ``checkpoints/step-N/`` written aside, synced and renamed; the newest whole one is the run."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.weights import KEY, read_arrays, read_weights, save_weights, write_arrays
from facezoo.errors import CheckpointError
from facezoo.interfaces.engine import Engine
from facezoo.io.files import atomic_folder


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        step: steps finished.
        best: best validation accuracy so far, 0..1, or -1.
        best_step: when that was.
        stale: validations since then.
    """

    step: int = 0
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    config: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(run: Path, engine: Engine, progress: Progress, *, keep: int) -> Path:
    """Write a checkpoint and drop the oldest beyond ``keep``.

    Raises:
        CheckpointError: it cannot be written; earlier ones stay.
    """
    folder = run / "checkpoints" / f"step-{progress.step}"
    if folder.is_dir():
        return folder
    try:
        with atomic_folder(folder) as part:
            save_weights(engine.backbone, part / "backbone.safetensors")
            write_arrays(
                part / "head.safetensors", get_state(engine.head), {KEY: json.dumps({"head": engine.settings.head})}
            )
            write_arrays(part / "optimizer.safetensors", engine.momentum_state(), {})
            (part / "state.json").write_text(json.dumps(progress.__dict__, indent=1), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(
            f"cannot write checkpoint {str(folder)!r}: {error}; earlier checkpoints are kept"
        ) from error
    for old in checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def checkpoints(run: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    folder = run / "checkpoints"
    found = [path for path in folder.glob("step-*") if path.name[5:].isdigit() and (path / "state.json").is_file()]
    return sorted(found, key=lambda path: int(path.name[5:]))


def latest_checkpoint(run: Path) -> Path:
    """The newest whole checkpoint.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(run)
    if not found:
        raise CheckpointError(f"no checkpoint in {str(run)!r}; expected checkpoints/step-N there")
    return found[-1]


def read_progress(folder: Path) -> Progress:
    """Where the run of a checkpoint stood."""
    try:
        return Progress(**json.loads((folder / "state.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{str(folder / 'state.json')!r} is damaged: {error}") from error


def load_checkpoint(folder: Path, engine: Engine) -> Progress:
    """Put a checkpoint into an engine of either backend.

    Raises:
        CheckpointError: it is damaged, or belongs to another architecture, head or number of identities.
    """
    progress = read_progress(folder)
    file = read_weights(folder / "backbone.safetensors")
    wanted = engine.settings.spec
    if (file.spec.name, file.spec.embedding_size) != (wanted.name, wanted.embedding_size):
        raise CheckpointError(
            f"{str(folder)!r} holds {file.spec.name} with {file.spec.embedding_size} numbers an embedding; "
            f"this run is {wanted.name} with {wanted.embedding_size}"
        )
    head, metadata = read_arrays(folder / "head.safetensors")
    name = json.loads(metadata.get(KEY, "{}")).get("head")
    if name != engine.settings.head:
        raise CheckpointError(f"{str(folder)!r} holds the head {name}; this run has {engine.settings.head}")
    set_state(engine.backbone, file.state)
    set_state(engine.head, head)
    engine.load_momentum_state(read_arrays(folder / "optimizer.safetensors")[0])
    return progress
