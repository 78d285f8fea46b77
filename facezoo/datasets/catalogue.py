"""The index of data sets, read from ``index/*.yaml``."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from pydantic import ValidationError

from facezoo.datasets.schema import DataSet, plain_name
from facezoo.errors import DataError, UnknownNameError
from facezoo.io.yaml_files import load_yaml


@lru_cache(maxsize=1)
def load_index() -> dict[str, DataSet]:
    """All entries, by name.

    Raises:
        DataError: an entry is not valid; the message names the file and the key.
    """
    entries = {}
    folder = resources.files("facezoo.datasets") / "index"
    for file in sorted(folder.iterdir(), key=lambda found: found.name):
        if file.name.endswith(".yaml"):
            entry = parse_entry(file.read_text(encoding="utf-8"), file.name)
            entries[entry.name] = entry
    return entries


def parse_entry(text: str, source: str) -> DataSet:
    """Parse one entry from YAML; errors name ``source``."""
    try:
        entry = DataSet.model_validate(load_yaml(text))
    except (ValidationError, DataError) as error:
        raise DataError(f"{source}: {_first(error)}") from error
    if source != f"{entry.name}.yaml":
        raise DataError(f"{source}: holds the entry {entry.name!r}; expected {entry.name}.yaml")
    return entry


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, found['loc'])) or 'entry'}: {found['msg']}"
    return " ".join(str(error).split())


def list_datasets() -> list[str]:
    """The names in the index.

    >>> "lfw" in list_datasets()
    True
    """
    return list(load_index())


def get(name: str) -> DataSet:
    """The entry of that name; case and separators are ignored.

    >>> get("CFP_FP").name
    'cfp-fp'

    Raises:
        UnknownNameError: there is none; the message gives the nearest.
    """
    index = load_index()
    try:
        return index[plain_name(name)]
    except KeyError:
        raise UnknownNameError("data set", name, index) from None
