"""The index of pretrained weights: ``weights_index/*.yaml``, and the folders in ``FACEZOO_WEIGHTS_INDEX``."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from facezoo.errors import CheckpointError, DataError, UnknownNameError
from facezoo.io.yaml_files import load_yaml
from facezoo.weights.schema import WeightsEntry

VARIABLE = "FACEZOO_WEIGHTS_INDEX"  # folders of the user's own entries, as in PATH; they replace ours of the same name


def load_index() -> dict[str, WeightsEntry]:
    """All entries by name; those of ``FACEZOO_WEIGHTS_INDEX`` replace ours of the same name.

    Raises:
        CheckpointError: an entry is not valid; the message names the file and the key.
    """
    return dict(sorted({**_shipped(), **_own()}.items()))


def default_entry() -> WeightsEntry:
    """The model of commands that are given none: the entry with ``default: true``, one of the user's own first.

    Raises:
        CheckpointError: an entry is not valid.
    """
    found = [entry for entries in (_own(), _shipped()) for entry in entries.values() if entry.default]
    return found[0]


def _own() -> dict[str, WeightsEntry]:
    """The entries in the folders of ``FACEZOO_WEIGHTS_INDEX``."""
    entries: dict[str, WeightsEntry] = {}
    for folder in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        if not Path(folder).is_dir():
            raise CheckpointError(f"{VARIABLE} names {folder!r}, which is not a folder")
        for path in sorted(Path(folder).glob("*.yaml")):
            entry = parse_entry(path.read_text(encoding="utf-8"), str(path))
            entries.setdefault(entry.name, entry)
    return entries


@lru_cache(maxsize=1)
def _shipped() -> dict[str, WeightsEntry]:
    files = [file for file in resources.files("facezoo.weights_index").iterdir() if file.name.endswith(".yaml")]
    entries = [parse_entry(file.read_text(encoding="utf-8"), file.name) for file in files]
    return {entry.name: entry for entry in entries}


def parse_entry(text: str, source: str) -> WeightsEntry:
    """Parse one entry from YAML; errors name ``source``."""
    try:
        return WeightsEntry.model_validate(load_yaml(text))
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "entry"
        raise CheckpointError(f"{source}: {where}: {found['msg']}") from error
    except DataError as error:
        raise CheckpointError(f"{source}: {error}") from error


def dump_entry(entry: WeightsEntry) -> str:
    """The entry as YAML, without defaults."""
    values = entry.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)


def list_weights() -> list[str]:
    """The names in the index."""
    return list(load_index())


def get(name: str) -> WeightsEntry:
    """The entry of that name.

    Raises:
        UnknownNameError: there is none; the message gives the nearest.
    """
    index = load_index()
    if name in index:
        return index[name]
    for known in index:
        if known.lower() == name.lower():
            return index[known]
    raise UnknownNameError("weights", name, index)
