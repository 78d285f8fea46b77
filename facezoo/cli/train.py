"""``facezoo train``."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.backends import INSTALL
from facezoo.cli import options
from facezoo.interfaces.engine import PRECISIONS
from facezoo.interfaces.optimizer import SLOTS

logger = logging.getLogger(__name__)


def command(
    config: Annotated[
        str | None, typer.Option(metavar="FILE|RECIPE", help="A YAML file, or a recipe of `facezoo config`.")
    ] = None,
    backend: Annotated[str | None, options.one_of("backend", tuple(INSTALL), "The framework.")] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="NAME", help="As `facezoo list backbones` shows it, or package.module:Class.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="FILE|NAME", help="Fine-tune this weight file, or model of `facezoo weights list`."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(metavar="FILE|NAME|FOLDER", help="Distil from this model, or from its stored embeddings."),
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="NAME", help="As `facezoo list heads` shows it, or package.module:Class.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Identity folders, list file, .rec or shards; repeat to join. None: synthetic."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder of the run.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="0 or more.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Steps in all; overrides --epochs.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over the data.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Images per step and process.")] = None,
    optimizer: Annotated[str | None, options.one_of("optimizer", tuple(SLOTS), "What updates the weights.")] = None,
    lr: Annotated[float | None, typer.Option(metavar="RATE", help="Highest learning rate.")] = None,
    precision: Annotated[
        str | None,
        options.one_of(
            "precision",
            PRECISIONS,
            "auto: bfloat16 where the device is fast with it. float64 is for comparing backends.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes that prepare images.")] = None,
    device: Annotated[str | None, typer.Option(metavar=options.DEVICES, help="Where to train.")] = None,
    compile: Annotated[bool | None, typer.Option("--compile", help="Train by torch.compile; torch only.")] = None,
    checkpointing: Annotated[
        bool | None, typer.Option("--checkpointing", help="Recompute activations instead of keeping them.")
    ] = None,
    backbone_option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the backbone: dropout=0.4; repeatable.")
    ] = None,
    head_option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the head: margin=0.4; repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other key: schedule.warmup=0.1; repeatable."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    auto_resume: Annotated[
        bool,
        typer.Option("--auto-resume", help="Continue the run in --out if it has a checkpoint, else start it."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the resolved configuration, and stop.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the memory that each process will take and what saves some, and stop.")
    ] = False,
    world_size: Annotated[
        int | None, typer.Option(metavar="N", help="With --plan: processes; default: those started.")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(metavar="N", help="With --plan: identities; default: those of the data.")
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Train a backbone with a loss head; without --data on synthetic faces."""
    from facezoo import backends
    from facezoo.cli.show import say
    from facezoo.errors import ConfigError
    from facezoo.io.progress import progress_bar
    from facezoo.training.check import check_run
    from facezoo.training.config_file import dump_config, load_config
    from facezoo.training.experiment import has_begun, run_experiment
    from facezoo.training.launch import launched_processes
    from facezoo.training.resume import resumed_config
    from facezoo.training.run import check_folder, free_folder

    overrides: dict[str, Any] = {
        "backend": backend, "backbone": backbone, "weights": weights, "distillation.teacher": teacher,
        "head": head, "seed": seed, "steps": steps, "epochs": epochs,
        "batch_size": batch_size, "optimizer.name": optimizer, "lr": lr, "precision": precision,
        "data.workers": workers, "device": device, "compile": compile, "checkpointing": checkpointing,
        "data.path": data[0] if data and len(data) == 1 else data or None,
        **parse_settings(backbone_option or [], "--backbone-option", "backbone_options."),
        **parse_settings(head_option or [], "--head-option", "head_options."),
        **parse_settings(settings or []),
    }  # fmt: skip
    if auto_resume:
        if out is None or resume:
            raise ConfigError("--auto-resume needs --out RUN, and not --resume")
        resume = has_begun(out)
        config = None if resume else config  # a run that has begun goes on with its own
    if resume:
        if out is None or config is not None:
            raise ConfigError("--resume takes the run's own configuration: give --out RUN and no --config")
        chosen = resumed_config(out, overrides)
    else:
        chosen = load_config(config, overrides)
    processes = launched_processes(chosen.backend)
    if plan:
        print(_plan(chosen, world_size or processes.world_size, classes, as_json))
        return 0
    if world_size is not None or classes is not None:
        raise ConfigError("--world-size and --classes go with --plan; the launcher sets the number of processes")
    if out is None and processes.world_size > 1:
        raise ConfigError("several processes train together: give --out, so that all use the same folder")
    run = out or free_folder(chosen.backbone, chosen.head, chosen.backend)
    check_folder(run, resume)
    if dry_run:
        check_run(chosen)
        print(json.dumps(chosen.model_dump(mode="json")) if as_json else dump_config(chosen), end="")
        return 0
    main_process = processes.rank == 0
    quiet = as_json or not main_process
    backends.load(chosen.backend)  # before signal handlers are set: paddle sets its own
    with progress_bar("step", "steps", quiet=quiet) as on_progress:
        try:
            finished = run_experiment(chosen, run, resume=resume, on_progress=on_progress)
        except KeyboardInterrupt as error:
            if main_process:
                logger.warning(_after_interrupt(error, run))
            raise
    result = finished.result
    if not main_process:
        return 0
    if as_json:
        figures = {key: None if value != value else value for key, value in result.__dict__.items()}  # NaN is not JSON
        print(json.dumps({**figures, "run": str(run), "weights": str(finished.weights)}))
        return 0
    accuracy = f"; verification {100 * result.accuracy:.2f} %" if result.accuracy is not None else ""
    print(f"{result.step} steps, loss {result.loss:.4f}{accuracy}; {result.images_per_second:.1f} images/s")
    say(f"weights: {finished.weights}")
    say(f"report:  facezoo report {run}")
    return 0


def _plan(config: Any, world_size: int, classes: int | None, as_json: bool) -> str:
    from facezoo.errors import ConfigError
    from facezoo.training.plan import describe, plan_memory, savings
    from facezoo.training.setup import open_training_data, with_precision

    if world_size < 1 or (classes is not None and classes < 2):
        raise ConfigError(f"--world-size is {world_size} and --classes {classes}; expected 1 or more, and 2 or more")
    config, _ = with_precision(config)
    number = open_training_data(config)[0].num_classes if classes is None else classes
    memory = plan_memory(config, number, world_size)
    changes = savings(config, number, world_size, memory)
    if as_json:
        sums = {"classification": memory.classification, "total": memory.total}
        return json.dumps({**memory.__dict__, **sums, "savings": [{"set": what, "total": n} for what, n in changes]})
    return describe(memory, changes)


def _after_interrupt(error: KeyboardInterrupt, run: Path) -> str:
    from facezoo.training.experiment import has_begun

    what = str(error) or "stopped"
    if has_begun(run):
        return f"\n{what}; continue with: facezoo train --resume --out {run}"
    return f"\n{what}; there is no checkpoint to continue from"


def parse_settings(words: list[str], option: str = "--set", prefix: str = "") -> dict[str, Any]:
    """``KEY=VALUE`` words as dotted overrides below a prefix; values are read as YAML."""
    from facezoo.errors import ConfigError, DataError
    from facezoo.io.yaml_files import load_yaml

    parsed = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"{option} got {word!r}; expected KEY=VALUE")
        try:
            parsed[prefix + key] = load_yaml(value)
        except DataError as error:
            raise ConfigError(f"{option} {key}: {value!r} is not a YAML value") from error
    return parsed
