"""The canonical state of a module: a dictionary of arrays with torch's names and layouts, whatever the backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.leaf import COUNTERS, Leaf
from facezoo.errors import CheckpointError, ConfigError


def backend_of(module: Any) -> str:
    """The backend a module was built for.

    Raises:
        ConfigError: it is neither a torch module nor a paddle layer.
    """
    roots = {base.__module__.split(".")[0] for base in type(module).__mro__}
    for name in ("torch", "paddle"):
        if name in roots:
            return name
    raise ConfigError(f"{type(module).__name__} is neither a torch.nn.Module nor a paddle.nn.Layer")


def inventory(module: Any) -> list[Leaf]:
    """Canonical description of every tensor of the state, in the order of definition; equal on both backends."""
    return [item for item, _ in backends.load(backend_of(module)).state.leaves(module)]


def get_state(module: Any) -> dict[str, np.ndarray]:
    """The state of a module.

    Args:
        module: a torch.nn.Module or a paddle.nn.Layer.

    Returns:
        Canonical name -> array, copies, in torch's layout ("weight" of a linear layer is (out, in)). Counters that
        nothing computes with (``num_batches_tracked``) are left out.
    """
    native = backends.load(backend_of(module)).state
    return {item.name: native.read(item, value) for item, value in native.leaves(module)}


def set_state(module: Any, state: Mapping[str, np.ndarray], strict: bool = True) -> None:
    """Load a canonical state into a module; nothing is changed when it does not fit.

    Args:
        module: a torch.nn.Module or a paddle.nn.Layer.
        state: canonical name -> array; counters are ignored.
        strict: whether every entry must be there and none left over.

    Raises:
        CheckpointError: an entry is missing, left over, or has another shape; the message names the first ones.
    """
    native = backends.load(backend_of(module)).state
    pairs = list(native.leaves(module))
    known = {item.name for item, _ in pairs}
    if strict:
        missing = [name for name in known if name not in state]
        extra = [name for name in state if name not in known and name.rpartition(".")[2] not in COUNTERS]
        if missing or extra:
            raise CheckpointError(
                f"state does not fit {type(module).__name__}: {_some('missing', missing)}; {_some('left over', extra)}"
            )
    pairs = [(item, value) for item, value in pairs if item.name in state]
    for item, _ in pairs:
        if item.shape == () and np.shape(state[item.name]) == (1,):
            continue  # files of version 0.1 store scalars with one dimension
        if tuple(np.shape(state[item.name])) != item.shape:
            raise CheckpointError(
                f"{item.name} has shape {tuple(np.shape(state[item.name]))}; "
                f"{type(module).__name__} expects {item.shape}"
            )
    for item, value in pairs:
        native.write(item, value, np.asarray(state[item.name]).reshape(item.shape))


def parameter_count(module: Any) -> int:
    """Trainable values, and those of norms whose weight is held fixed; running statistics do not count."""
    return sum(
        int(np.prod(item.shape)) for item in inventory(module)
        if item.trained or (item.layer == "batch_norm" and item.entry in ("weight", "bias"))
    )  # fmt: skip


def _some(what: str, names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:3])
    return f"{len(names)} {what}" + (f" ({shown}{', ...' if len(names) > 3 else ''})" if names else "")
