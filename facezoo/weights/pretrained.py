"""A pretrained model by its name in the index, on either backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from facezoo import __version__, backends
from facezoo.backends import ONNX
from facezoo.checkpoints.foreign.cvlface_config import stated_color
from facezoo.checkpoints.foreign.imported import Imported
from facezoo.checkpoints.foreign.importer import import_checkpoint
from facezoo.checkpoints.graphs.read import is_onnx
from facezoo.checkpoints.weights import load_weights, read_info, write_weights
from facezoo.download.urls import local_path
from facezoo.errors import CheckpointError, ConfigError, DownloadError, UnknownNameError
from facezoo.io.files import file_hash
from facezoo.specs.preprocess import Preprocess
from facezoo.weights import index, store
from facezoo.weights.schema import WeightsEntry


def load_pretrained(
    name: str | None = None, *, backend: str | None = None, cache_dir: str | Path | None = None, yes: bool = False
) -> Any:
    """The model in evaluation mode; downloaded, checked and converted to a facezoo weight file at the first call.

    ``module.spec.preprocess`` is that of the index, because published files do not state their colour order.

    Args:
        name: in the index of weights; by default the index's default model, which must be in the cache or accepted
            before (``facezoo weights download NAME``).
        backend: "torch" or "paddle"; by default the installed one, "torch" where both are.
        cache_dir: instead of ``FACEZOO_CACHE`` or the user's cache folder.
        yes: use it even if its licence or a hash is unknown.

    Raises:
        UnknownNameError: not in the index.
        DownloadError: it cannot be fetched, or its licence or a hash is unknown and was not accepted.
        CheckpointError: no backbone of the zoo reads it, or it differs from its entry in the index.
    """
    path = default_path(cache_dir=cache_dir, yes=yes) if name is None else canonical(name, cache_dir=cache_dir, yes=yes)
    return load_weights(path, backend=backend or backends.default_backend())


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
    thresholds = [item.model_dump(mode="json", exclude_none=True) for item in entry.thresholds]
    stamp = {"name": entry.name, "sha256": file_hash(source), "preprocess": entry.preprocess}
    if not _made_from(target, stamp):
        store.fetch_optional(entry.name, cache_dir=cache_dir)
        imported = import_checkpoint(source, layout=entry.layout)
        _compare(entry, imported)
        rules = Preprocess.from_dict(entry.preprocess)
        if (stated := stated_color(source)) is not None and imported.layout.startswith("cvlface"):
            rules = replace(rules, color=stated[0])
        spec = replace(imported.spec, preprocess=rules)
        write_weights(
            target, spec, imported.state, producer={"imported_by": f"facezoo {__version__}"},
            source=stamp, licence=entry.licence.weights, data=list(entry.training_data), head=entry.head,
            thresholds=thresholds,
        )  # fmt: skip
    return target


def default_path(*, cache_dir: str | Path | None = None, yes: bool = False) -> Path:
    """The index's default model as a facezoo weight file. Nothing is asked, and nothing downloaded without consent.

    Args:
        cache_dir: instead of ``FACEZOO_CACHE`` or the user's cache folder.
        yes: consent to the download; it is remembered.

    Raises:
        DownloadError: it is not in the cache, and its download was not accepted; the message states the command that
            gets it.
    """
    entry = index.default_entry()
    if not (yes or store.present(entry.name, cache_dir) or store.consented(entry)):
        raise DownloadError(
            f"no model was named, and the default model {entry.name} ({store.summary(entry)}) is not on this machine; "
            f"to get it: facezoo weights download {entry.name}"
        )
    return canonical(entry.name, cache_dir=cache_dir, yes=yes)


def model_path(name_or_path: str | Path | None, backend: str | None = None) -> Path:
    """The path of a weight file: ``name_or_path`` itself, or the facezoo weight file of a model in the index.

    Args:
        name_or_path: a file or its URL, a name of the index, or None for the default model: see :func:`default_path`.
        backend: "onnx" for the ONNX file of a model that is published as one.

    Raises:
        ConfigError: backend "onnx" without a model.
        CheckpointError: neither a file nor a name; the message gives the nearest name. With backend "onnx", the model
            is no ONNX file.
        DownloadError: the model cannot be fetched, or its download was not accepted.
    """
    if backend == ONNX:
        return _onnx_file(name_or_path)
    if name_or_path is None:
        return default_path()
    path = local_path(name_or_path)
    if path.exists() or path.suffix == ".safetensors" or len(path.parts) != 1:
        return path  # a missing file is reported where it is read
    try:
        return canonical(str(name_or_path))
    except UnknownNameError as error:
        raise CheckpointError(f"no weight file {str(path)!r}, and {error}") from error


def _onnx_file(name_or_path: str | Path | None) -> Path:
    """An ONNX file, or that of a model in the index."""
    if name_or_path is None:
        raise ConfigError("backend onnx got no model; expected an ONNX file (--weights FILE.onnx)")
    path = local_path(name_or_path)
    if not path.exists() and len(path.parts) == 1 and not path.suffix:
        try:
            path = store.fetch(index.get(str(name_or_path)).name)
        except UnknownNameError as error:
            raise CheckpointError(f"no ONNX file {str(path)!r}, and {error}") from error
    if path.is_file() and not is_onnx(path):
        raise CheckpointError(
            f"{str(name_or_path)!r} is no ONNX file, and backend onnx runs nothing else; expected --backend torch or "
            "paddle, or a FILE.onnx"
        )
    return path


def _made_from(target: Path, stamp: dict[str, Any]) -> bool:
    """Whether the facezoo weight file was converted from this source under this entry."""
    if not target.is_file():
        return False
    return read_info(target).get("source") == json.loads(json.dumps(stamp))  # a damaged file is converted again


def _compare(entry: WeightsEntry, imported: Imported) -> None:
    """Refuse a file that holds another network than its entry in the index."""
    found: dict[str, Any] = {"backbone": imported.backbone, **imported.variant}
    expected: dict[str, Any] = {"backbone": entry.backbone, **entry.variant, "embedding_size": entry.embedding_size}
    found.setdefault("embedding_size", imported.spec.embedding_size)
    for key, value in expected.items():
        if key in found and found[key] != value:
            raise CheckpointError(f"{entry.name}: the file's {key} is {found[key]!r}; the index states {value!r}")
