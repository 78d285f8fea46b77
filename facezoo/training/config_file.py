"""Configurations as files: a recipe or YAML file under overrides, and the resolved configuration as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import ValidationError

from facezoo.errors import ConfigError, DataError, UnknownNameError
from facezoo.io.yaml_files import load_yaml
from facezoo.training.config import RunConfig
from facezoo.training.weight_settings import weight_settings


def load_config(path: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """Read a YAML file, then apply overrides.

    Args:
        path: a YAML file, or the name of one in ``zoo_configs``; None starts from the defaults.
        overrides: dotted key -> value, as ``{"schedule.warmup": 0.1}``; None values are ignored.

    Raises:
        ConfigError: the file cannot be read, a key is unknown (the message names the nearest) or a value is wrong, or
            a setting contradicts the file that ``weights`` names.
        CheckpointError, DownloadError: that file cannot be read.
    """
    values = _read(path) if path is not None else {}
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(values, key, value)
    if isinstance(values.get("weights"), str):
        values = {**values, **weight_settings(values["weights"], values)}
    return build_config(values)


def stored_config(path: str | Path) -> RunConfig:
    """The configuration that a run wrote: complete, so that no file it names is read again.

    Raises:
        ConfigError: the file cannot be read, or is not a configuration.
    """
    return build_config(_read(path))


def build_config(values: Mapping[str, Any]) -> RunConfig:
    """Validate nested plain values.

    Raises:
        ConfigError: a key is unknown or a value is wrong.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise _explain(error) from None


def _explain(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        group: Any = RunConfig
        for part in where[:-1]:
            group = get_args(group)[1] if get_origin(group) is dict else group.model_fields[part].annotation
        return UnknownNameError("key", ".".join(where), [".".join([*where[:-1], name]) for name in group.model_fields])
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        return cause
    shown = repr(first["input"])
    return ConfigError(f"{'.'.join(where)} is {shown[:80]}; {first['msg'][0].lower()}{first['msg'][1:]}")


def _read(path: str | Path) -> dict[str, Any]:
    path = Path(path)
    if not path.is_file():
        path = _named(str(path)) or path
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(recipes())[:6])
        raise ConfigError(f"cannot read config {str(path)!r}: {error.strerror}; recipes: {known}, ...") from error
    except (DataError, UnicodeDecodeError) as error:
        text = " ".join(str(error).removeprefix("not YAML: ").split())
        raise ConfigError(f"config {str(path)!r} is not YAML: {text}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"config {str(path)!r} holds {type(values).__name__}; expected keys and values")
    return values


def recipes() -> dict[str, Path]:
    """The recipes that come with facezoo: name -> file."""
    import importlib.util

    found = importlib.util.find_spec("facezoo.zoo_configs")
    folders = list(found.submodule_search_locations or []) if found else []
    return {file.stem: file for folder in folders for file in sorted(Path(folder).glob("*.yaml"))}


def _named(name: str) -> Path | None:
    return recipes().get(name.removesuffix(".yaml"))


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    *groups, last = dotted.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{dotted} cannot be set: {group} is {inner!r}, not a group")
        values = inner
    values[last] = value


def dump_config(config: RunConfig) -> str:
    """The resolved configuration as YAML."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
