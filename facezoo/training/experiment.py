"""A run of one or of several stages, from a configuration."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from facezoo.data.sources.source import Source
from facezoo.errors import ConfigError
from facezoo.io.files import atomic_write
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.training.checkpoint import checkpoints, latest_checkpoint, read_progress
from facezoo.training.config import RunConfig
from facezoo.training.config_file import dump_config
from facezoo.training.resume import resumed_config
from facezoo.training.run import FinishedRun, check_folder, run_training
from facezoo.training.setup import open_training_data
from facezoo.training.stages import FOLDER, Position, Stage, stage_list

logger = logging.getLogger(__name__)


def has_begun(run: Path) -> bool:
    """Whether the folder holds a run that can be resumed."""
    return bool(checkpoints(run)) or any((run / FOLDER).glob("*/checkpoints/step-*/state.json"))


def run_experiment(
    config: RunConfig, run: Path, *, resume: bool = False, on_progress: OnProgress = ignore_progress,
    backbone: Any = None, head: Any = None, source: Source | None = None,
) -> FinishedRun:  # fmt: skip
    """Train as configured; arguments, result and errors as for :func:`facezoo.training.run.run_training`.

    A run with stages keeps each in a folder of its own, ``stages/1`` and so on. The log and the weight file of the
    last stage are in the run's own folder.
    """
    if not config.stages:
        return run_training(
            config, run, resume=resume, on_progress=on_progress, backbone=backbone, head=head, source=source
        )
    if head is not None or backbone is not None:
        raise ConfigError("stages build backbone and head for each stage: give their names, not modules")
    stages = stage_list(config, run)
    check_folder(run, resume)
    if not resume and (run / FOLDER).exists():
        raise ConfigError(f"{str(run)!r} holds a run already; give --resume to continue it, or another --out")
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "config.yaml").is_file():  # what --resume reads
        with atomic_write(run / "config.yaml") as part:
            part.write_text(dump_config(config), encoding="utf-8")
    finished: FinishedRun | None = None
    steps = 0
    for stage in stages:
        logger.info("stage %d of %d: %s", stage.number, len(stages), stage.name)
        finished = _run_stage(stage, steps, config, on_progress, source)
        steps += finished.result.step
    assert finished is not None
    return _published(finished, run, steps)


def _run_stage(
    stage: Stage, first_step: int, config: RunConfig, on_progress: OnProgress, source: Source | None
) -> FinishedRun:
    chosen, classes_before = stage.config, None
    begun = bool(checkpoints(stage.folder))
    if begun:
        given = {"backend": config.backend, "device": config.device, "threads": config.threads}
        chosen = resumed_config(stage.folder, given)
    elif stage.before is not None:
        earlier = RunConfig.model_validate(read_progress(latest_checkpoint(stage.before, verify=False)).config)
        classes_before = open_training_data(earlier, source)[0].class_names
    position = Position(stage.name, first_step, stage.log_folder, stage.before, classes_before)
    return run_training(chosen, stage.folder, resume=begun, on_progress=on_progress, source=source, position=position)


def _published(finished: FinishedRun, run: Path, steps: int) -> FinishedRun:
    """Files of the last stage in the folder of the whole run."""
    if finished.is_main_process:
        for name in ("weights.card.md", "weights.card.json", "best.safetensors", "weights.safetensors"):
            if (finished.folder / name).is_file():
                with atomic_write(run / name) as part:
                    shutil.copyfile(finished.folder / name, part)
    return replace(
        finished, folder=run, weights=run / "weights.safetensors", result=replace(finished.result, step=steps)
    )
