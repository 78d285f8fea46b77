"""A model of the index by its name, on either backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from facezoo import __version__
from facezoo.checkpoints.foreign.importer import Imported, import_checkpoint
from facezoo.checkpoints.weights import KEY, load_weights, read_arrays, write_weights
from facezoo.download.remote import file_hash
from facezoo.errors import CheckpointError, FacezooError, UnknownNameError
from facezoo.specs.preprocess import Preprocess
from facezoo.weights import index, store
from facezoo.weights.schema import WeightsEntry


def load_pretrained(name: str, *, backend: str, cache_dir: str | Path | None = None, yes: bool = False) -> Any:
    """The model in evaluation mode; fetched, checked and brought to our form at the first call.

    ``module.spec.preprocess`` is the index's: it says the colour order, whatever the file leaves open.

    Args:
        name: in the index of weights.
        backend: "torch" or "paddle".
        cache_dir: instead of ``FACEZOO_CACHE`` or the user's cache folder.
        yes: use it although its licence or a hash is unknown.

    Raises:
        UnknownNameError: not in the index.
        DownloadError: it cannot be fetched, or something about it is unknown and was not accepted.
        CheckpointError: no backbone of the zoo reads it, or it is not what the index says.
    """
    return load_weights(canonical(name, cache_dir=cache_dir, yes=yes), backend=backend)


def canonical(name: str, *, cache_dir: str | Path | None = None, yes: bool = False) -> Path:
    """The model as a facezoo weight file, which ``load_weights`` and every verb take.

    Raises:
        CheckpointError: no backbone of the zoo reads it, or it is not what the index says.
    """
    entry = index.get(name)
    if not entry.loads:
        why = entry.notes or entry.home
        raise CheckpointError(f"{entry.name} is published as {entry.layout}, which no backbone of the zoo reads: {why}")
    source = store.fetch(entry.name, cache_dir=cache_dir, yes=yes)
    if entry.layout == "facezoo":
        return source
    target = store.canonical_path(entry.name, cache_dir)
    stamp = {"name": entry.name, "sha256": file_hash(source), "preprocess": entry.preprocess}
    if not _made_from(target, stamp):
        imported = import_checkpoint(source, layout=entry.layout)
        _compare(entry, imported)
        spec = replace(imported.spec, preprocess=Preprocess.from_dict(entry.preprocess))
        write_weights(
            target, spec, imported.state, producer={"imported_by": f"facezoo {__version__}"},
            source=stamp, licence=entry.licence.weights, data=list(entry.training_data), head=entry.head,
        )  # fmt: skip
    return target


def model_path(name_or_path: str | Path) -> Path:
    """A weight file as it is, or a model of the index by its name, in our form.

    Raises:
        CheckpointError: neither a file nor a name; the message gives the nearest name.
    """
    path = Path(name_or_path)
    if path.exists() or path.suffix == ".safetensors" or len(path.parts) != 1:
        return path  # a missing file is reported by whoever reads it
    try:
        return canonical(str(name_or_path))
    except UnknownNameError as error:
        raise CheckpointError(f"no weight file {str(path)!r}, and {error}") from error


def _made_from(target: Path, stamp: dict[str, Any]) -> bool:
    """Whether the file in our form was made from this very source, under this entry."""
    if not target.is_file():
        return False
    try:
        block = json.loads(read_arrays(target)[1][KEY])
    except (FacezooError, KeyError, ValueError):
        return False  # damaged: made anew
    return isinstance(block, dict) and block.get("source") == json.loads(json.dumps(stamp))


def _compare(entry: WeightsEntry, imported: Imported) -> None:
    """Refuse a file that is another network than the index says."""
    found: dict[str, Any] = {"backbone": imported.backbone, **imported.variant}
    said: dict[str, Any] = {"backbone": entry.backbone, **entry.variant, "embedding_size": entry.embedding_size}
    found.setdefault("embedding_size", imported.spec.embedding_size)
    for key, value in said.items():
        if key in found and found[key] != value:
            raise CheckpointError(f"{entry.name}: the file's {key} is {found[key]!r}; the index says {value!r}")
