"""The training loop: one function that reads from top to bottom."""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from facezoo import backends
from facezoo.data.loading.loader import Batch, Loader
from facezoo.errors import CheckpointError, NumericalError
from facezoo.interfaces.engine import Engine, StepResult
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.training.checkpoint import Progress, save_checkpoint
from facezoo.training.config import RunConfig
from facezoo.training.log import RunLog
from facezoo.training.model import Model
from facezoo.training.schedule import learning_rate
from facezoo.training.teacher import Teacher, share_at
from facezoo.training.validation import Validator, watched

logger = logging.getLogger(__name__)

RECENT = 50  # steps whose mean loss a run ends with; the loss of one batch is noisy


class TrainingInterrupted(KeyboardInterrupt):
    """The run was asked to stop; its state is in a checkpoint, unless no step was finished."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        step: steps finished.
        loss: mean over the last ``RECENT`` steps of this call.
        accuracy: of the last validation, 0..1, or None.
        best: best validation accuracy, or None.
        stopped: "done" or "early".
        images_per_second: over the steps of this call, validation left out.
    """

    step: int
    loss: float
    accuracy: float | None
    best: float | None
    stopped: str
    images_per_second: float


def total_steps(config: RunConfig, loader: Loader) -> int:
    """Steps of the whole run."""
    return config.steps if config.steps is not None else config.epochs * len(loader)


def never() -> bool:
    """A ``stop`` that is never requested."""
    return False


def train_loop(
    config: RunConfig, model: Model, engine: Engine, loader: Loader, validators: list[Validator], log: RunLog | None,
    run: Path, progress: Progress, on_progress: OnProgress = ignore_progress, stop: Callable[[], bool] = never,
    teacher: Teacher | None = None,
) -> TrainResult:  # fmt: skip
    """Train from where ``progress`` stands to the end.

    Only the process with a log writes the log and weight files. ``stop`` is called between two steps. After a failure
    between two steps the last finished step is saved, unless it is that of one process of several.

    Raises:
        TrainingInterrupted: ``stop`` returned True; a checkpoint of the last finished step was written.
        NumericalError: the loss or its gradient was NaN or infinite; the batch is listed, and the step before it saved.
        CheckpointError: a checkpoint cannot be written; earlier ones stay.
    """
    steps = total_steps(config, loader)
    step, seconds, images, text = progress.step, 0.0, 0, ""
    if validators and step == 0 and starts_validated(config):
        text = _validate(config, validators, model, engine, log, run, progress)
    recent: deque[float] = deque(maxlen=RECENT)
    consistent = True  # False while a step is computed: its weights may be half updated when it fails
    try:
        while step < steps and not progress.stopped:
            epoch, start = divmod(step, len(loader))
            mark = time.perf_counter()
            for batch in loader.epoch(epoch, start):
                rate = learning_rate(config.schedule, config.lr, step, steps)
                engine.set_learning_rate(rate)
                consistent = False
                targets = None if teacher is None else teacher.targets(batch, engine)
                engine.distillation_share = share_at(config.distillation, step, steps)
                result = engine.train_step(batch.images, batch.labels, step, targets)
                consistent = True
                if not result.applied and not result.skipped:
                    raise _broken(run, engine, batch, result, step)
                now = time.perf_counter()
                seconds, images, mark = seconds + now - mark, images + len(batch), now
                step += 1
                progress.step = step
                if result.skipped:
                    _count_skipped(progress, log)
                else:
                    recent.append(result.loss)
                if log and result.applied and (step % config.log_every == 0 or step == steps or step <= 100):
                    log.write(
                        step, epoch=epoch, loss=result.loss, learning_rate=rate, grad_norm=result.grad_norm,
                        images_per_second=images / seconds * engine.world_size, **distance_record(result),
                    )  # fmt: skip
                on_progress = _report(on_progress, step, steps, f"loss {result.loss:.3f}  lr {rate:.2g}{text}")
                last, due = step == steps, config.validation.every
                if validators and (last or (due and step % due == 0)):
                    text = _validate(config, validators, model, engine, log, run, progress)
                    early = config.validation.patience and engine.any(progress.stale >= config.validation.patience)
                    progress.stopped = "early" if early and not last else progress.stopped
                if last or progress.stopped:
                    progress.stopped = progress.stopped or "done"
                    progress.loss = statistics.fmean(recent) if recent else None
                interrupted = not progress.stopped and engine.any(stop())
                if progress.stopped or interrupted or step % config.checkpoint_every == 0:
                    save_checkpoint(run, model, engine, progress, keep=config.keep)
                if interrupted:
                    raise TrainingInterrupted(f"stopped after step {step} of {steps}")
                if progress.stopped:
                    break
                mark += time.perf_counter() - now  # neither validation nor checkpoints count as training time
    except Exception as error:
        alone = engine.world_size == 1 or isinstance(error, NumericalError)  # the latter is raised by all processes
        if alone and consistent and step and not isinstance(error, CheckpointError):
            logger.warning("step %d is saved; continue with --resume when the cause is fixed", step)
            save_checkpoint(run, model, engine, progress, keep=config.keep)
        raise
    return replace(stored_result(progress), images_per_second=images / seconds * engine.world_size if seconds else 0.0)


def is_finished(progress: Progress, steps: int, config: RunConfig) -> bool:
    """Whether nothing is left to do: all steps are done, or the run stopped early and still has its patience."""
    early = progress.stopped == "early" and config.validation.patience > 0
    return progress.step >= steps or early


def stored_result(progress: Progress) -> TrainResult:
    """How a run ended, from its last checkpoint."""
    return TrainResult(
        step=progress.step,
        loss=float("nan") if progress.loss is None else progress.loss,
        accuracy=progress.accuracy,
        best=progress.best if progress.best >= 0 else None,
        stopped=progress.stopped or "done",
        images_per_second=0.0,
    )


def kept_model(config: RunConfig, model: Model, engine: Engine) -> Model:
    """The model that a run is made for: the average of its weights, where one is kept, with adapters merged."""
    backbone = model.backbone if engine.average is None else engine.average
    if config.fine_tuning.lora_rank:
        backbone = backends.module(config.backend, "adapters").merged(backbone)
    return replace(model, backbone=backbone)


def distance_record(result: StepResult) -> dict[str, float]:
    """The entry of the log about the distance from the teacher."""
    return {} if result.distance is None else {"teacher_distance": result.distance}


def _report(on_progress: OnProgress, step: int, steps: int, text: str) -> OnProgress:
    """Call the callback; one that can no longer print (a closed pipe) is not called again."""
    try:
        on_progress(step, steps, text)
    except OSError as error:
        logger.warning("progress can no longer be shown: %s", error)
        return ignore_progress
    return on_progress


def starts_validated(config: RunConfig) -> bool:
    """Whether the run is validated before its first step: what it starts from is then known beside what it became."""
    wanted = config.validation.at_start
    return config.weights is not None if wanted is None else wanted


def _validate(
    config: RunConfig, validators: list[Validator], model: Model, engine: Engine, log: RunLog | None, run: Path,
    progress: Progress,
) -> str:  # fmt: skip
    """All processes embed a share of the images and get the same figures; the text is for the progress line."""
    chosen = watched(validators, config.validation)
    for validator in validators:
        figures = validator(engine)
        progress.accuracies[validator.name] = figures["accuracy"]
        if log:
            log.write(progress.step, validation=validator.name, **figures)
        if validator is not chosen:
            continue
        progress.accuracy = figures["accuracy"]
        if figures["accuracy"] > progress.best:
            if log:
                kept = kept_model(config, model, engine)
                kept.save(run / "best.safetensors", figures={validator.name: figures}, step=progress.step)
            progress.best, progress.best_step, progress.stale = figures["accuracy"], progress.step, 0
        else:
            progress.stale += 1
    return "".join(f"  {item.name}: {100 * progress.accuracies[item.name]:.2f} %" for item in validators)


def _count_skipped(progress: Progress, log: RunLog | None) -> None:
    """A step in float16 that overflowed and changed nothing; the next one has a smaller loss scale."""
    progress.skipped += 1
    if log:
        log.write(progress.step, skipped=progress.skipped)
        logger.info("step %d overflowed in float16 and was skipped; %d skipped so far", progress.step, progress.skipped)


def _broken(run: Path, engine: Engine, batch: Batch, result: StepResult, step: int) -> NumericalError:
    rank = f"-rank-{engine.rank}" if engine.world_size > 1 else ""
    listed = run / f"broken-step-{step}{rank}.txt"
    lines = [f"{label}\t{key}\n" for label, key in zip(batch.labels, batch.keys, strict=True)]
    listed.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return NumericalError(
        f"step {step}: loss {result.loss}, gradient norm {result.grad_norm}; images of the batch: {listed}; resume "
        "with a lower --lr, or look at the images"
    )
