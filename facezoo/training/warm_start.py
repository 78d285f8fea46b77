"""What a stage takes from the one before: the backbone, and the parts of its head that fit."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from facezoo.canonical.class_rows import ClassRows
from facezoo.canonical.state import get_state, set_state
from facezoo.checkpoints.shared_arrays import read_part
from facezoo.checkpoints.weights import read_arrays
from facezoo.interfaces.engine import Engine
from facezoo.training.checkpoint import divided_arrays, latest_checkpoint
from facezoo.training.model import Model

logger = logging.getLogger(__name__)


def start_backbone(model: Model, before: Path) -> None:
    """Load what the stage before was made for: averaged and merged, where it kept an average or adapters.

    Args:
        model: of the stage that begins.
        before: the folder of the stage before.

    Raises:
        CheckpointError: its weight file is missing or does not fit.
    """
    set_state(model.backbone, read_arrays(before / "weights.safetensors")[0])


def start_head(engine: Engine, before: Path, classes_before: list[str], classes: list[str]) -> None:
    """Take the tensors of the earlier head that have the same name and shape; class rows follow the names of classes.

    Rows of classes that the stage before did not have stay as drawn.

    Args:
        engine: of the stage that begins.
        before: the folder of the stage before.
        classes_before: the identities that it trained with.
        classes: those of this stage.

    Raises:
        CheckpointError: its checkpoint is missing or damaged.
    """
    path = latest_checkpoint(before, verify=False) / "head.safetensors"
    state = get_state(engine.head)
    divided = divided_arrays(engine)
    same = classes_before == classes
    stored, _ = read_part(path, engine.rows if same else None, divided if same else set())
    rows = engine.rows or ClassRows(0, len(classes), len(classes))
    taken, source = _common_rows(classes_before, classes, rows)
    kept = 0
    for name, value in state.items():
        found = stored.get(name)
        if found is None:
            continue
        if found.shape == value.shape and (same or name not in _per_class(state, rows)):
            state[name] = found
            kept += 1
        elif not same and name in _per_class(state, rows) and found.shape[1:] == value.shape[1:]:
            value[taken] = found[source]
            kept += 1
    set_state(engine.head, state)
    if engine.rank == 0:
        logger.info("the head starts from that of the stage before: %d of %d tensors", kept, len(state))


def _per_class(state: dict[str, np.ndarray], rows: ClassRows) -> set[str]:
    """Names of the tensors with one row per class."""
    return {name for name, value in state.items() if value.ndim and value.shape[0] == rows.count}


def _common_rows(before: list[str], now: list[str], rows: ClassRows) -> tuple[np.ndarray, np.ndarray]:
    """Rows of this process whose class was there before, and the rows that they had."""
    place = {name: number for number, name in enumerate(before)}
    pairs = [
        (number - rows.first, place[name]) for number, name in enumerate(now)
        if rows.first <= number < rows.end and name in place
    ]  # fmt: skip
    return np.array([pair[0] for pair in pairs], np.int64), np.array([pair[1] for pair in pairs], np.int64)
