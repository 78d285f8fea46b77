"""The stages of a run: each is a configuration of its own, which starts from the weights of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError
from facezoo.training.config import RunConfig
from facezoo.training.config_file import build_config

FOLDER = "stages"  # of a run, with one folder for each stage
FIXED = ("backend", "backbone", "backbone_options", "embedding_size", "preprocess", "weights", "stages", "device",
         "threads", "trackers", "tensorboard", "notes")  # fmt: skip
REPLACED = ("head_options", "sampler_options", "augmentation_options", "milestones")  # not merged with the run's


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes:
        number: from 1.
        name: for the log and the report.
        config: all settings.
        folder: a run's folder, below that of the whole run.
        before: the folder of the stage before; None for the first.
        log_folder: where the one log of the whole run is.
    """

    number: int
    name: str
    config: RunConfig
    folder: Path
    before: Path | None
    log_folder: Path


@dataclass(frozen=True)
class Position:
    """Where in a run of several stages one of them stands.

    Attributes:
        name: of the stage.
        first_step: steps of the stages before it.
        log_folder: where the one log of the whole run is.
        before: the folder of the stage before; None for the first.
        classes_before: the identities of that stage; None for the first, and where this one is resumed.
    """

    name: str
    first_step: int
    log_folder: Path
    before: Path | None = None
    classes_before: list[str] | None = None


def stage_list(config: RunConfig, run: Path) -> list[Stage]:
    """The stages of a configuration, in their order.

    Raises:
        ConfigError: a stage has an unknown key, a wrong value, or one that holds for the whole run.
    """
    found: list[Stage] = []
    for number, changes in enumerate(config.stages, 1):
        name = str(changes.get("name") or f"stage {number}")
        try:
            chosen = _merged(config, changes, later=number > 1)
        except ConfigError as error:
            raise ConfigError(f"stage {number} ({name}): {error}") from error
        folder = run / FOLDER / f"{number}"
        found.append(Stage(number, name, chosen, folder, found[-1].folder if found else None, run))
    return found


def _merged(config: RunConfig, changes: Mapping[str, Any], *, later: bool) -> RunConfig:
    given = {key: value for key, value in changes.items() if key != "name"}
    for key in given:
        if key in FIXED:
            raise ConfigError(f"{key} holds for the whole run; set it beside stages")
    values = config.model_dump(mode="json")
    values["stages"] = []
    if later:  # the stage before ended with the same weights and was validated
        values["validation"]["at_start"] = False
    if "head" in given and "head_options" not in given:
        values["head_options"] = {}
    if "epochs" in given and "steps" not in given:
        values["steps"] = None
    data = given.get("data")
    sampler = isinstance(data, Mapping) and "sampler" in data and "sampler_options" not in data
    if sampler or ("head" in given and not (isinstance(data, Mapping) and "sampler" in data)):
        values["data"] = {key: value for key, value in values["data"].items()
                          if key != "sampler_options" and (sampler or key != "sampler")}  # fmt: skip
    return build_config(_overlaid(values, given))


def _overlaid(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values with those of ``changes`` over them; groups are merged key by key."""
    found = deepcopy(values)
    for key, value in changes.items():
        present = found.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping) and key not in REPLACED:
            found[key] = _overlaid(dict(present), value)
        else:
            found[key] = value
    return found
