"""The training loop: one function that reads from top to bottom."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from facezoo.data.loading.loader import Batch, Loader
from facezoo.errors import CheckpointError, NumericalError
from facezoo.interfaces.engine import Engine, StepResult
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.training.checkpoint import Progress, save_checkpoint
from facezoo.training.config import RunConfig
from facezoo.training.log import RunLog
from facezoo.training.model import Model
from facezoo.training.schedule import learning_rate
from facezoo.training.validation import Validator

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
    config: RunConfig, model: Model, engine: Engine, loader: Loader, validator: Validator | None, log: RunLog | None,
    run: Path, progress: Progress, on_progress: OnProgress = ignore_progress, stop: Callable[[], bool] = never,
) -> TrainResult:  # fmt: skip
    """Train from where ``progress`` stands to the end.

    Only the process with a log writes. ``stop`` is asked between two steps.

    Raises:
        TrainingInterrupted: ``stop`` returned True; a checkpoint of the last finished step was written.
        NumericalError: the loss or its gradient was NaN or infinite; the batch is listed and the state saved.
        CheckpointError: a checkpoint cannot be written; earlier ones stay.
    """
    steps = total_steps(config, loader)
    step, seconds, images, text = progress.step, 0.0, 0, ""
    accuracy, stopped = None, "done"
    recent: deque[float] = deque(maxlen=RECENT)
    while step < steps and stopped == "done":
        epoch, start = divmod(step, len(loader))
        mark = time.perf_counter()
        for batch in loader.epoch(epoch, start):
            rate = learning_rate(config.schedule, config.lr, step, steps)
            engine.set_learning_rate(rate)
            result = engine.train_step(batch.images, batch.labels, step)
            if not result.applied:
                raise _broken(run, model, engine, progress, batch, result, step)
            now = time.perf_counter()
            seconds, images, mark = seconds + now - mark, images + len(batch), now
            step += 1
            progress.step = step
            recent.append(result.loss)
            if log and (step % config.log_every == 0 or step == steps or step <= 100):
                log.write(
                    step, epoch=epoch, loss=result.loss, learning_rate=rate, grad_norm=result.grad_norm,
                    images_per_second=images / seconds * engine.world_size,
                )  # fmt: skip
            on_progress(step, steps, f"loss {result.loss:.3f}  lr {rate:.2g}{text}")
            last, due = step == steps, config.validation.every
            if validator and (last or (due and step % due == 0)):
                if log:
                    accuracy = _validate(validator, model, engine, log, run, progress)
                    text = f"  {validator.name}: {100 * accuracy:.2f} %"
                if config.validation.patience and engine.any(progress.stale >= config.validation.patience):
                    last, stopped = True, "early" if step < steps else "done"
            interrupted = not last and engine.any(stop())
            if log and (last or interrupted or step % config.checkpoint_every == 0):
                save_checkpoint(run, model, engine, progress, keep=config.keep)
            if interrupted:
                raise TrainingInterrupted(f"stopped after step {step} of {steps}")
            if last:
                break
            mark += time.perf_counter() - now  # neither validation nor checkpoints count as training time
    rate = images / seconds * engine.world_size if seconds else 0.0
    loss = statistics.fmean(recent) if recent else float("nan")
    return TrainResult(step, loss, accuracy, progress.best if progress.best >= 0 else None, stopped, rate)


def _validate(validator: Validator, model: Model, engine: Engine, log: RunLog, run: Path, progress: Progress) -> float:
    figures = validator(engine.embed)
    log.write(progress.step, validation=validator.name, **figures)
    if figures["accuracy"] > progress.best:
        progress.best, progress.best_step, progress.stale = figures["accuracy"], progress.step, 0
        model.save(run / "best.safetensors", figures={validator.name: figures}, step=progress.step)
    else:
        progress.stale += 1
    return figures["accuracy"]


def _broken(
    run: Path, model: Model, engine: Engine, progress: Progress, batch: Batch, result: StepResult, step: int
) -> NumericalError:
    listed = run / f"broken-step-{step}.txt"
    listed.write_text("".join(f"{label}\t{key}\n" for label, key in zip(batch.labels, batch.keys, strict=True)))
    message = f"step {step}: loss {result.loss}, gradient norm {result.grad_norm}; images of the batch: {listed}"
    try:
        saved = save_checkpoint(run, model, engine, progress, keep=1_000_000) if progress.step else None
    except CheckpointError:  # running statistics may hold NaN themselves
        saved = None
    where = f"; state before it: {saved}" if saved else ""
    return NumericalError(f"{message}{where}; lower the learning rate or look at the images")
