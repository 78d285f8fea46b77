"""A pretrained model by its name in the index, on either backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from facezoo import __version__
from facezoo.checkpoints.foreign.importer import Imported, import_checkpoint
from facezoo.checkpoints.weights import KEY, load_weights, read_arrays, write_weights
from facezoo.errors import CheckpointError, FacezooError, UnknownNameError
from facezoo.io.files import file_hash
from facezoo.specs.preprocess import Preprocess
from facezoo.weights import index, store
from facezoo.weights.schema import WeightsEntry


def load_pretrained(name: str, *, backend: str, cache_dir: str | Path | None = None, yes: bool = False) -> Any:
    """The model in evaluation mode; downloaded, checked and converted to a facezoo weight file at the first call.

    ``module.spec.preprocess`` is that of the index, because published files do not state their colour order.

    Args:
        name: in the index of weights.
        backend: "torch" or "paddle".
        cache_dir: instead of ``FACEZOO_CACHE`` or the user's cache folder.
        yes: use it even if its licence or a hash is unknown.

    Raises:
        UnknownNameError: not in the index.
        DownloadError: it cannot be fetched, or its licence or a hash is unknown and was not accepted.
        CheckpointError: no backbone of the zoo reads it, or it differs from its entry in the index.
    """
    return load_weights(canonical(name, cache_dir=cache_dir, yes=yes), backend=backend)


def canonical(name: str, *, cache_dir: str | Path | None = None, yes: bool = False) -> Path:
    """The model as a facezoo weight file, which ``load_weights`` and every command take.

    Raises:
        CheckpointError: no backbone of the zoo reads it, or it differs from its entry in the index.
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
    """The path of a weight file: ``name_or_path`` itself, or the facezoo weight file of a model in the index.

    Raises:
        CheckpointError: neither a file nor a name; the message gives the nearest name.
    """
    path = Path(name_or_path)
    if path.exists() or path.suffix == ".safetensors" or len(path.parts) != 1:
        return path  # a missing file is reported where it is read
    try:
        return canonical(str(name_or_path))
    except UnknownNameError as error:
        raise CheckpointError(f"no weight file {str(path)!r}, and {error}") from error


def _made_from(target: Path, stamp: dict[str, Any]) -> bool:
    """Whether the facezoo weight file was converted from this source under this entry."""
    if not target.is_file():
        return False
    try:
        block = json.loads(read_arrays(target)[1][KEY])
    except (FacezooError, KeyError, ValueError):
        return False  # damaged: converted again
    return isinstance(block, dict) and block.get("source") == json.loads(json.dumps(stamp))


def _compare(entry: WeightsEntry, imported: Imported) -> None:
    """Refuse a file that holds another network than its entry in the index."""
    found: dict[str, Any] = {"backbone": imported.backbone, **imported.variant}
    expected: dict[str, Any] = {"backbone": entry.backbone, **entry.variant, "embedding_size": entry.embedding_size}
    found.setdefault("embedding_size", imported.spec.embedding_size)
    for key, value in expected.items():
        if key in found and found[key] != value:
            raise CheckpointError(f"{entry.name}: the file's {key} is {found[key]!r}; the index states {value!r}")
