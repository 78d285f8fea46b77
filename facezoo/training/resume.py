"""The configuration of a run that is resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError
from facezoo.io.yaml_files import load_yaml
from facezoo.training.checkpoint import Progress, latest_checkpoint, read_progress
from facezoo.training.config import RunConfig
from facezoo.training.config_file import build_config
from facezoo.training.launch import launched_processes

FREE_TO_CHANGE = (  # keys that a resumed run may change: they make it no other experiment, or repair a broken one
    "backend", "epochs", "steps", "device", "threads", "compiled", "compile", "channels_last", "checkpointing",
    "precision", "accumulation", "keep", "log_every", "checkpoint_every", "lr", "clip_norm", "data.path",
    "data.workers", "data.cache", "data.cache_gigabytes", "data.max_bad_share", "validation.every",
    "validation.patience", "trackers", "tensorboard",
)  # fmt: skip


def resumed_config(run: Path, overrides: dict[str, Any]) -> RunConfig:
    """The configuration a run was started with, with what may change on the way changed.

    With another number of processes a step keeps its images where they can be divided equally.

    Raises:
        CheckpointError: there is nothing to resume.
        ConfigError: an override would make it another experiment.
    """
    staged = _staged_config(run)
    progress = Progress(config=staged) if staged else read_progress(latest_checkpoint(run, verify=False))
    values = dict(progress.config)
    for name, value in _flat(overrides):
        key = "optimizer.name" if name == "optimizer" else name
        if key in FREE_TO_CHANGE:
            group, _, name = key.rpartition(".")
            values = {**values, group: {**values[group], name: value}} if group else {**values, name: value}
        elif _present(values, key) != value:
            raise ConfigError(
                f"{key} is {value!r}, but the run to resume has {_present(values, key)!r}; "
                f"only {', '.join(FREE_TO_CHANGE)} may change"
            )
    given = dict(_flat(overrides))
    if "epochs" in given and "steps" not in given:
        values["steps"] = None  # a run that was started with --steps goes on by epochs
    if given.get("steps") is not None and given["steps"] < progress.step:
        raise ConfigError(f"steps is {given['steps']}, but the run to resume has finished {progress.step}")
    if staged:  # each stage keeps the images of its steps
        return build_config(values)
    processes = launched_processes(build_config(values).backend)
    return build_config(_with_same_step(values, progress.world_size, processes.world_size, given.get("accumulation")))


def _staged_config(run: Path) -> dict[str, Any]:
    """The configuration of a run with stages; empty for another."""
    path = run / "config.yaml"
    values = load_yaml(path.read_text(encoding="utf-8")) if path.is_file() else None
    return values if isinstance(values, dict) and values.get("stages") else {}


def _flat(overrides: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of nested overrides; values that are None are not given."""
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key, value


def _present(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _with_same_step(values: dict[str, Any], before: int, now: int, accumulation: int | None) -> dict[str, Any]:
    """Batch size and micro-batches of each process, so that a step holds as many images as with ``before`` processes.

    Micro-batches do not grow, since a process of before had memory for one, unless their number is given.
    """
    images = values["batch_size"] * before
    if before == now or images % now or images // now < 2:
        return values
    micro = max(2, values["batch_size"] // values["accumulation"])
    if accumulation is not None:
        return {**values, "batch_size": images // now, "accumulation": accumulation}
    parts = next(parts for parts in range(1, images // now + 1) if -(-images // now // parts) <= micro)
    return {**values, "batch_size": images // now, "accumulation": parts}
