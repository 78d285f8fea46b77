"""The weight file: safetensors with a metadata block that states the backbone and its preprocessing."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from facezoo import __version__
from facezoo.canonical.state import backend_of, get_state, set_state
from facezoo.checkpoints.graphs.read import is_onnx
from facezoo.download.urls import local_path
from facezoo.errors import CheckpointError, ConfigError, FacezooError
from facezoo.io.files import atomic_write, file_hash
from facezoo.io.json_text import parse_json
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.zoo import catalog
from facezoo.zoo.create import build_backbone

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
KEY = "facezoo"  # the one metadata entry; JSON


@dataclass(frozen=True)
class WeightFile:
    """The content of a weight file.

    Attributes:
        spec: the backbone, with its options and its preprocessing.
        state: canonical name -> array.
        info: the metadata block, as in the file.
    """

    spec: BackboneSpec
    state: dict[str, np.ndarray]
    info: dict[str, Any] = field(default_factory=dict)


def save_weights(module: Any, path: str | Path, **info: Any) -> None:
    """Write a backbone to one file that either backend loads.

    Args:
        module: a backbone of the zoo, on either backend.
        path: the file; written to a temporary file and renamed, so that a failure leaves the previous one.
        info: more entries of the metadata block (plain types): "training", "figures", "licence", ...

    Raises:
        CheckpointError: the file cannot be written, or a value is NaN or infinite.
    """
    write_weights(path, module.spec, get_state(module), producer={"backend": backend_of(module)}, **info)


def save_user_weights(
    module: Any, path: str | Path, name: str, embedding_size: int, preprocess: Preprocess, **info: Any
) -> None:
    """Write a backbone from outside the zoo; :func:`load_weights` reads it into a module that is built already.

    Args:
        module: a torch.nn.Module or paddle.nn.Layer.
        path: the file.
        name: ``package.module:Class``, for people; nothing is imported by it.
        embedding_size: E.
        preprocess: from uint8 RGB crops to the module's input.
        info: more entries of the metadata block, plain types.

    Raises:
        CheckpointError: the file cannot be written, or a value is NaN or infinite.
    """
    state = get_state(module)
    check_finite(state, path)
    block = {
        "format_version": FORMAT_VERSION,
        "module": name,
        "embedding_size": embedding_size,
        "preprocess": preprocess.to_dict(),
        "producer": {"facezoo": __version__, "backend": backend_of(module)},
        **info,
    }
    write_arrays(path, state, {KEY: json.dumps(block)})


def write_weights(
    path: str | Path, spec: BackboneSpec, state: Mapping[str, np.ndarray], *, producer: Mapping[str, Any], **info: Any
) -> None:
    """Like :func:`save_weights`, from a spec and a canonical state."""
    check_finite(state, path)
    block = {
        "format_version": FORMAT_VERSION,
        "backbone": spec.name,
        "variant": spec.options(),
        "embedding_size": spec.embedding_size,
        "preprocess": spec.preprocess.to_dict(),
        "producer": {"facezoo": __version__, **producer},
        **info,
    }
    write_arrays(path, state, {KEY: json.dumps(block)})


def read_weights(path: str | Path) -> WeightFile:
    """Read a weight file without any framework.

    Raises:
        CheckpointError: the file is missing, damaged, not a facezoo weight file, of a newer format, or holds NaN.
    """
    state, metadata = read_arrays(path)
    if KEY not in metadata:
        raise CheckpointError(
            f"{str(path)!r} is safetensors without facezoo's metadata; expected a file that facezoo wrote "
            "(import others with `facezoo weights import`)"
        )
    try:
        block = parse_json(metadata[KEY])
        version = int(block["format_version"])
        if version > FORMAT_VERSION:
            raise CheckpointError(f"{str(path)!r} has format {version}; this facezoo reads up to {FORMAT_VERSION}")
        if "module" in block:
            raise CheckpointError(
                f"{str(path)!r} holds weights of {block['module']}, a class from outside the zoo; build the module "
                "and give it: facezoo.load_weights(path, module=...)"
            )
        spec = catalog.backbone_spec(block["backbone"], **block["variant"])
        spec = replace(spec, preprocess=Preprocess.from_dict(block["preprocess"]))
    except (KeyError, TypeError, ValueError, OverflowError, FacezooError) as error:
        raise CheckpointError(f"{str(path)!r} has unusable metadata: {error}") from error
    check_finite(state, path)
    return WeightFile(spec, state, block)


def load_weights(path: str | Path, *, backend: str | None = None, module: Any = None) -> Any:
    """The backbone of a weight file, in evaluation mode; ``module.spec.preprocess`` is its preprocessing.

    Args:
        path: a file that :func:`save_weights` wrote, on either backend.
        backend: "torch" or "paddle"; may be left out with a module.
        module: a module that takes the state; needed for classes from outside the zoo.

    Raises:
        ConfigError: neither backend nor module is given.
        CheckpointError: as :func:`read_weights`, or the state does not match the backbone.
        BackendUnavailableError: the framework is not installed.
    """
    if module is None:
        if backend is None:
            raise ConfigError("load_weights got neither a backend nor a module; expected one of them")
        file = read_weights(path)
        module, state = build_backbone(file.spec, backend=backend, seed=0), file.state
    else:
        state, _ = read_arrays(path)
        check_finite(state, path)
    try:
        set_state(module, state)
    except CheckpointError as error:
        raise CheckpointError(f"{str(path)!r}: {error}") from error
    module.eval()
    logger.debug("weights of %s for %s are those of %s", type(module).__name__, backend_of(module), path)
    return module


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write arrays as safetensors to a temporary file, which is then renamed.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; the previous file stays.
    """
    from safetensors.numpy import save_file

    try:
        with atomic_write(path) as part:
            save_file({name: np.array(value, order="C") for name, value in arrays.items()}, part, dict(metadata))
    except Exception as error:  # safetensors wraps errors of the operating system in its own type
        raise CheckpointError(f"cannot write {str(path)!r}: {error}") from error


def read_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of a safetensors file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = local_path(path)
    if not path.is_file():
        hint = "" if path.suffix else "; models of the index are loaded by name with facezoo.load_pretrained"
        raise CheckpointError(f"no weight file {str(path)!r}{hint}")
    if is_onnx(path):
        raise CheckpointError(
            f"{str(path)!r} is an ONNX file; to train it or to run it on torch or paddle, import it: facezoo weights "
            f"import {path} --out W.safetensors; to embed with it as it is: --backend onnx"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{str(path)!r} is not a readable safetensors file: {error}") from error


def read_info(path: str | Path) -> dict[str, Any]:
    """The metadata block of a weight file, without its tensors; empty if the file has none or cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            block = parse_json((file.metadata() or {}).get(KEY, "{}"))
    except (SafetensorError, OSError, TypeError, ValueError):
        return {}
    return block if isinstance(block, dict) else {}


def content_hash(path: str | Path) -> str:
    """SHA-256 of the tensors and the preprocessing of a weight file, whatever else its metadata says.

    Two files of the same model, written by different versions or with other figures, have the same hash.

    Of an ONNX file, whose rules can stand beside it, it is the hash of the file and of these rules.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    if is_onnx(path):
        beside = Path(path).with_name(f"{Path(path).stem}.facezoo.json")
        return file_hash(path) if not beside.is_file() else file_hash(path)[:32] + file_hash(beside)[:32]
    state, _ = read_arrays(path)
    digest = hashlib.sha256(json.dumps(read_info(path).get("preprocess"), sort_keys=True).encode())
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def check_finite(state: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Check that no array holds NaN or infinity.

    Raises:
        CheckpointError: names the first array that holds one.
    """
    for name, value in state.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise CheckpointError(f"{str(path)!r}: {name} holds NaN or infinity")
