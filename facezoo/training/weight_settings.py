"""The settings of a run that the weight file it starts from decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facezoo.checkpoints.weights import read_info
from facezoo.errors import CheckpointError, ConfigError
from facezoo.weights.pretrained import model_path
from facezoo.zoo import catalog
from facezoo.zoo.user_class import is_user_class

FREE = ("dropout", "checkpointing")  # options of a backbone that no weight depends on


def weight_settings(weights: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a weight file decides: backbone, its options, embedding size and preprocessing.

    Args:
        weights: a weight file, or a name of the index.
        values: settings that are given; they must not contradict the file.

    Raises:
        ConfigError: a given setting contradicts the file; the message says what would work.
        CheckpointError: the file is not one of facezoo.
    """
    named = values.get("backbone")
    if isinstance(named, str) and is_user_class(named):
        return {}
    path = model_path(weights)
    block = read_info(path)
    if "backbone" not in block:
        if not Path(path).is_file():
            raise CheckpointError(f"weights: no file {str(path)!r}, and no such name in `facezoo weights list`")
        raise CheckpointError(
            f"weights: {str(path)!r} is not a weight file of a facezoo backbone; convert it first: facezoo weights "
            f"import {path} --out FILE.safetensors"
        )
    options = {name: value for name, value in block["variant"].items() if name != "embedding_size"}
    _check_given(path, block, options, values)
    free = {name: value for name, value in dict(values.get("backbone_options") or {}).items() if name in FREE}
    return {
        "backbone": block["backbone"], "backbone_options": {**options, **free},
        "embedding_size": block["embedding_size"], "preprocess": block["preprocess"],
    }  # fmt: skip


def _check_given(path: Path, block: Mapping[str, Any], options: dict[str, Any], values: Mapping[str, Any]) -> None:
    name = values.get("backbone")
    if isinstance(name, str) and catalog.backbone_name(name) != block["backbone"]:
        raise ConfigError(f"backbone is {name}, but {str(path)!r} holds {block['backbone']}: leave --backbone out")
    size = values.get("embedding_size")
    if size is not None and size != block["embedding_size"]:
        raise ConfigError(
            f"embedding_size is {size}, but {str(path)!r} has {block['embedding_size']}: leave it out, or distil the "
            f"model into a smaller one with distillation.teacher={path}"
        )
    for key, value in dict(values.get("backbone_options") or {}).items():
        found = options.get(key)
        if key not in FREE and found != (list(value) if isinstance(value, tuple) else value):
            raise ConfigError(
                f"backbone_options.{key} is {value!r}, but {str(path)!r} was trained with {found!r}: leave it out"
            )
