"""``facezoo train``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

Text = Optional[str]  # noqa: UP045  typer reads these at run time


def command(
    config: Annotated[Text, typer.Option(help="A YAML file, or a recipe's name (facezoo config).")] = None,
    backend: Annotated[Text, typer.Option(help="torch or paddle.")] = None,
    backbone: Annotated[Text, typer.Option(help="As `facezoo list backbones` shows them.")] = None,
    head: Annotated[Text, typer.Option(help="As `facezoo list heads` shows them.")] = None,
    data: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="Identity folders, list file, .rec, or shards; repeat to join. None: drawn faces."),
    ] = None,
    out: Annotated[Optional[Path], typer.Option(help="Folder of the run.")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(help="0 or more.")] = None,  # noqa: UP045
    steps: Annotated[Optional[int], typer.Option(help="Steps in all; overrides epochs.")] = None,  # noqa: UP045
    epochs: Annotated[Optional[int], typer.Option(help="Passes over the data.")] = None,  # noqa: UP045
    batch_size: Annotated[Optional[int], typer.Option(help="Images a step.")] = None,  # noqa: UP045
    lr: Annotated[Optional[float], typer.Option(help="Highest learning rate.")] = None,  # noqa: UP045
    precision: Annotated[Text, typer.Option(help="float32, bfloat16, or float64 to compare backends.")] = None,
    workers: Annotated[Optional[int], typer.Option(help="Processes that prepare images.")] = None,  # noqa: UP045
    device: Annotated[Text, typer.Option(help="auto, cpu, gpu or gpu:N.")] = None,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", help="Any other key, as KEY=VALUE: schedule.warmup=0.1, head_options.margin=0.4"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the resolved configuration and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> int:
    """Train a backbone with a loss head; without --data on faces drawn on the fly."""
    from facezoo import backends
    from facezoo.errors import ConfigError
    from facezoo.training.config import dump_config, load_config
    from facezoo.training.run import free_folder, resumed_config, run_training

    overrides: dict[str, Any] = {
        "backend": backend, "backbone": backbone, "head": head, "seed": seed, "steps": steps, "epochs": epochs,
        "batch_size": batch_size, "lr": lr, "precision": precision, "data.workers": workers, "device": device,
        "data.path": data[0] if data and len(data) == 1 else data or None, **parse_settings(settings or []),
    }  # fmt: skip
    if resume:
        if out is None or config is not None:
            raise ConfigError("--resume takes the run's own configuration: give --out RUN and no --config")
        chosen = resumed_config(out, overrides)
    else:
        chosen = load_config(config, overrides)
    if out is None and max(int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "PADDLE_TRAINERS_NUM")) > 1:
        raise ConfigError("several processes train together: give --out, so that all mean the same folder")
    run = out or free_folder(chosen.backbone, chosen.head, chosen.backend)
    if dry_run:
        print(json.dumps(chosen.model_dump(mode="json")) if as_json else dump_config(chosen), end="")
        return 0
    rank = max(int(os.environ.get(name, "0")) for name in ("RANK", "PADDLE_TRAINER_ID"))
    say = _quiet if as_json or rank else print
    say(dump_config(chosen))
    backends.load(chosen.backend)  # before the next line: paddle sets signal handlers of its own
    signal.signal(signal.SIGTERM, _interrupt)  # a job scheduler's way to say Ctrl-C
    with progress_bar(quiet=as_json or rank > 0) as watch:
        try:
            finished = run_training(chosen, run, resume=resume, watch=watch, say=say)
        except KeyboardInterrupt:
            print(f"\nstopped; continue with: facezoo train --resume --out {run}", file=sys.stderr)
            raise
    outcome = finished.outcome
    if not finished.leads:
        return 0
    if as_json:
        print(json.dumps({**outcome.__dict__, "run": str(run), "weights": str(finished.weights)}))
        return 0
    accuracy = f"; verification {100 * outcome.accuracy:.2f} %" if outcome.accuracy is not None else ""
    print(f"{outcome.step} steps, loss {outcome.loss:.4f}{accuracy}; {outcome.images_per_second:.1f} images/s")
    print(f"weights: {finished.weights}\nreport:  facezoo report {run}")
    return 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def parse_settings(words: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` words as dotted overrides; values are read as YAML."""
    import yaml

    from facezoo.errors import ConfigError

    parsed = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set got {word!r}; expected KEY=VALUE")
        try:
            parsed[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {key}: {value!r} is not a YAML value") from error
    return parsed


def _quiet(line: str) -> None:
    pass


class progress_bar:  # noqa: N801  used as a function
    """A bar with rate and ETA on a terminal, a line now and then elsewhere; gives the loop its watcher."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0

    def __enter__(self) -> Any:
        if self._quiet:
            return lambda done, total, text: None
        if not sys.stderr.isatty():
            return self._line
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(), TextColumn("{task.description}"), console=Console(stderr=True),
        )  # fmt: skip
        self._bar.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _advance(self, done: int, total: int, text: str) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", total=total, completed=done - 1, rate="")
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, completed=done, description=text, rate=f"{speed:.2f} steps/s" if speed else "")

    def _line(self, done: int, total: int, text: str) -> None:
        import time

        now = time.monotonic()
        if self._task is None:  # nothing to tell a rate from yet
            self._task, self._next = (now, done), now + 2
            print(f"step {done}/{total}  {text}", file=sys.stderr)
            return
        if now < self._next and done < total:
            return
        self._next = now + 10
        began, first = self._task
        rate = (done - first) / max(now - began, 1e-9)
        left = int((total - done) / rate)
        print(f"step {done}/{total}  {text}  {rate:.2f} steps/s  {left // 60}:{left % 60:02d} left", file=sys.stderr)
