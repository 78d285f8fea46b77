"""One run from its configuration to its weight file: the folder, resuming, and what is said on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.checkpoints.weights import save_weights
from facezoo.data.sources.source import StreamSource
from facezoo.errors import CheckpointError, ConfigError
from facezoo.io.files import atomic_write
from facezoo.training.card import training_card
from facezoo.training.checkpoint import Progress, checkpoints, latest_checkpoint, load_checkpoint, read_progress
from facezoo.training.config import RunConfig, build_config, dump_config
from facezoo.training.log import RunLog
from facezoo.training.loop import Outcome, Watch, total_steps, train
from facezoo.training.setup import build_engine, build_loader, open_data
from facezoo.weights.card import write_card

FREE_TO_CHANGE = (
    "backend",
    "epochs",
    "steps",
    "device",
    "threads",
    "compiled",
    "precision",
    "keep",
    "log_every",
    "checkpoint_every",
)


@dataclass(frozen=True)
class Finished:
    """A run that ended.

    Attributes:
        folder: the run's.
        weights: the weight file of its last step.
        outcome: how it ended.
        leads: whether this process is the one that writes and speaks, of several that train together.
    """

    folder: Path
    weights: Path
    outcome: Outcome
    leads: bool


def resumed_config(run: Path, overrides: dict[str, Any]) -> RunConfig:
    """The configuration a run was started with, with what may change on the way changed.

    Raises:
        CheckpointError: there is nothing to resume.
        ConfigError: an override would make it another experiment.
    """
    values = dict(read_progress(latest_checkpoint(run)).config)
    for key, value in overrides.items():
        if value is None:
            continue
        if key.split(".")[0] in FREE_TO_CHANGE or key == "data.workers":
            group, _, name = key.rpartition(".")
            values = {**values, group: {**values[group], name: value}} if group else {**values, name: value}
        elif _present(values, key) != value:
            raise ConfigError(
                f"{key} is {value!r}, but the run to resume has {_present(values, key)!r}; "
                f"only {', '.join(FREE_TO_CHANGE)} and data.workers may change"
            )
    return build_config(values)


def _present(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def run_training(
    config: RunConfig, run: Path, *, resume: bool = False, watch: Watch | None = None, say: Any = print
) -> Finished:
    """Train as configured, in folder ``run``.

    Args:
        config: the whole configuration; with ``resume`` as :func:`resumed_config` gives it.
        run: the run's folder; it must not hold another run unless ``resume``.
        resume: continue from the newest checkpoint, also one of the other backend.
        watch: called after each step with (steps done, steps in all, text).
        say: gets one line at a time.

    Raises:
        ConfigError: the folder holds a run already.
        DataError, CheckpointError, NumericalError, BackendUnavailableError: see where they are defined.
    """
    if not resume and checkpoints(run):
        raise ConfigError(f"{str(run)!r} holds a run already; give --resume to continue it, or another --out")
    source, validator = open_data(config)
    labels = None if isinstance(source, StreamSource) else source.labels
    engine = build_engine(config, source.num_classes, labels)
    images = source.length if isinstance(source, StreamSource) else len(source)
    leads = engine.rank == 0  # of several processes one writes and speaks
    say = say if leads else _silent
    say(f"{images} images of {source.num_classes} identities; {config.backbone} + {config.head} on {config.backend}")
    run.mkdir(parents=True, exist_ok=True)
    progress = load_checkpoint(latest_checkpoint(run), engine) if resume else Progress()
    progress.config = config.model_dump(mode="json")
    log = RunLog(run, progress.step) if leads else None
    if leads:
        with atomic_write(run / "config.yaml") as part:
            part.write_text(dump_config(config), encoding="utf-8")
    try:
        with build_loader(config, source, run, engine.rank, engine.world_size) as loader:
            steps = total_steps(config, loader)
            if progress.step:
                say(f"continuing after step {progress.step} of {steps}")
            outcome = train(
                config, engine, loader, validator, log, run, progress, watch if watch and leads else _silent
            )
            bad = len(loader.bad.reasons)
    finally:
        if log is not None:
            log.close()
    if bad:
        say(f"{bad} images could not be read; they are listed in {run / 'bad_images.txt'}")
    weights = run / "weights.safetensors"
    if leads:
        save_weights(engine.backbone, weights, training=_training_block(config, outcome, source.num_classes, images))
        card = training_card(
            config, outcome, validator, name=run.resolve().name, identities=source.num_classes, images=images
        )
        write_card(card, weights)
    engine.barrier()
    return Finished(run, weights, outcome, leads)


def _training_block(config: RunConfig, outcome: Outcome, identities: int, images: int) -> dict[str, Any]:
    """What a weight file says of how it was made."""
    kept = ("head", "head_options", "batch_size", "lr", "momentum", "weight_decay", "precision", "seed", "backend")
    values = config.model_dump(mode="json")
    return {
        **{key: values[key] for key in kept},
        "steps": outcome.step, "identities": identities, "images": images, "validation_accuracy": outcome.accuracy,
        "data": _data_names(config),
    }  # fmt: skip


def _data_names(config: RunConfig) -> str:
    """Names of the training data, without the folders of this machine."""
    paths = [config.data.path] if isinstance(config.data.path, str) else config.data.path
    return "drawn faces" if paths is None else ", ".join(Path(path).name for path in paths)


def _silent(*_: object) -> None:
    pass


def free_folder(backbone: str, head: str, backend: str) -> Path:
    """``runs/BACKBONE-HEAD-BACKEND``, with a number where that is taken."""
    base = Path("runs") / f"{backbone}-{head}-{backend}"
    candidates = [base, *(base.with_name(f"{base.name}-{number}") for number in range(2, 10_000))]
    for candidate in candidates:
        if not candidate.exists():
            return candidate
    raise CheckpointError(f"{str(base)!r} and 9,998 more exist; clear the runs folder")
