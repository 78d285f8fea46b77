"""The tensors of the backbone in the content of a file: wrappers, prefixes and the training head are removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facezoo.checkpoints.foreign.base import Found, Layout
from facezoo.checkpoints.foreign.table import recognise
from facezoo.errors import CheckpointError
from facezoo.io.describe import describe

WRAPPERS = ("state_dict_backbone", "state_dict", "backbone", "model_state_dict", "model")
MAGFACE = "features."  # the network in MagFace's checkpoints; beside it stands "fc.", the class weights of training
PREFIXES = ("module.", "backbone.", "feat_net.", "model.", "net.", "_orig_mod.", MAGFACE)
HEADS = ("head.",)  # dropped: the class weights of training


@dataclass
class Stripped:
    """The tensors of a backbone.

    Attributes:
        layout: recognised layout.
        found: the backbone.
        tensors: key -> array.
        wrapper: keys of the containers that were opened.
        prefixes: prefixes that were removed, outermost first.
        dropped: keys of a training head.
    """

    layout: Layout
    found: Found
    tensors: dict[str, np.ndarray]
    wrapper: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = field(default=())


def strip(tree: Any, path: str) -> Stripped:
    """Find the tensors of the backbone in what a reader returned.

    Raises:
        CheckpointError: there is no dictionary of tensors, or its layout is unknown.
    """
    opened: list[str] = []
    while isinstance(tree, Mapping):
        inner = next((key for key in WRAPPERS if isinstance(tree.get(key), Mapping) and tree[key]), None)
        if inner is None:
            break
        opened.append(inner)
        tree = tree[inner]
    tensors = _tensors(tree)
    if not tensors:
        raise CheckpointError(f"{path!r} holds {_content(tree)}; expected a dictionary of tensors")
    prefixes: list[str] = []
    dropped: list[str] = []
    while (match := recognise({key: value.shape for key, value in tensors.items()})) is None:
        beside = ("fc.",) if any(key.startswith(MAGFACE) and key.endswith("conv1.weight") for key in tensors) else ()
        heads = [key for key in tensors if key.startswith((*HEADS, *beside))]
        dropped += ["".join(prefixes) + key for key in heads]
        tensors = {key: value for key, value in tensors.items() if key not in heads}
        prefix = next((p for p in PREFIXES if tensors and all(key.startswith(p) for key in tensors)), None)
        if prefix is None:
            if heads:
                continue
            if not tensors:
                raise CheckpointError(
                    f"{path!r} holds only a training head ({dropped[0][:80]}, ...); expected a backbone"
                )
            some = ", ".join(key[:80] for key in list(tensors)[:3])
            raise CheckpointError(f"{path!r} has an unknown layout; its {len(tensors)} tensors begin with {some}")
        prefixes.append(prefix)
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    heads = [key for key in tensors if key.startswith(HEADS)]
    dropped += ["".join(prefixes) + key for key in heads]
    tensors = {key: value for key, value in tensors.items() if key not in heads}
    return Stripped(*match, tensors, tuple(opened), tuple(prefixes), tuple(dropped))


def _tensors(tree: Any) -> dict[str, np.ndarray]:
    if not isinstance(tree, Mapping):
        return {}
    return {key: value for key, value in tree.items() if isinstance(key, str) and isinstance(value, np.ndarray)}


def _content(tree: Any) -> str:
    if isinstance(tree, Mapping):
        return f"a dictionary with {', '.join(map(describe, list(tree)[:4])) or 'no entries'}"
    return describe(tree)
