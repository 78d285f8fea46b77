"""From a public name to a native module with its initial weights."""

from __future__ import annotations

import secrets
from typing import Any

from facezoo import backends, catalog
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.initial import initial_state
from facezoo.specs.base import BackboneSpec
from facezoo.state import inventory, set_state

CRITERIA = ("softmax", "focal")


def create_backbone(
    name: str, *, backend: str, embedding_size: int | None = None, seed: int | None = None, **variant: Any
) -> Any:
    """Build a backbone of the zoo.

    Args:
        name: public name, as ``facezoo list backbones`` shows it.
        backend: "torch" or "paddle".
        embedding_size: E; None takes the network's own, 512 unless its form says otherwise.
        seed: the initial weights depend on it and on nothing else; None takes a fresh one.
        variant: options of the family ("dropout", "neck", "input_size", ...).

    Returns:
        A torch.nn.Module or paddle.nn.Layer in training mode; see :class:`facezoo.interfaces.backbone.Backbone`.

    Raises:
        UnknownNameError: no such backbone, option or backend.
        BackendUnavailableError: the framework is not installed.
    """
    if embedding_size is not None:
        variant["embedding_size"] = embedding_size
    return build_backbone(catalog.backbone_spec(name, **variant), backend=backend, seed=seed)


def build_backbone(spec: BackboneSpec, *, backend: str, seed: int | None = None) -> Any:
    """Like :func:`create_backbone`, from a spec."""
    module = backends.load(backend).build_backbone(spec)
    seed = secrets.randbits(32) if seed is None else seed
    set_state(module, initial_state(inventory(module), spec.init, seed), strict=False)
    return module


def create_head(
    name: str, *, backend: str, embedding_size: int, num_classes: int, criterion: str = "softmax",
    seed: int | None = None, **hyper: Any,
) -> Any:  # fmt: skip
    """Build a loss head of the zoo.

    Args:
        name: public name, as ``facezoo list heads`` shows it.
        backend: "torch" or "paddle".
        embedding_size: E.
        num_classes: C, 2 or more for classification heads.
        criterion: "softmax" or "focal"; classification heads only.
        seed: the initial weights depend on it and on nothing else; None takes a fresh one.
        hyper: hyper-parameters of the head (``margin``, ``scale``, ``variant``, ...), and for classification heads
            ``label_smoothing`` (0 to below 1) and ``focal_gamma`` (0 or more).

    Raises:
        UnknownNameError: no such head, hyper-parameter, criterion or backend.
        ConfigError: a value is out of range.
        BackendUnavailableError: the framework is not installed.
    """
    shared = {key: hyper.pop(key) for key in ("label_smoothing", "focal_gamma") if key in hyper}
    margin = catalog.head_margin(name, **hyper)
    if embedding_size < 1 or num_classes < 1:
        raise ConfigError(f"{name}: embedding_size is {embedding_size}, num_classes {num_classes}; expected 1 or more")
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion", criterion, CRITERIA)
    if not 0 <= shared.get("label_smoothing", 0.0) < 1:
        raise ConfigError(f"label_smoothing is {shared['label_smoothing']}; expected 0 to below 1")
    if shared.get("focal_gamma", 2.0) < 0:
        raise ConfigError(f"focal_gamma is {shared['focal_gamma']}; expected 0 or more")
    if margin.classifies:
        shared["criterion"] = criterion
    elif shared or criterion != "softmax":
        raise ConfigError(f"{margin.name} has no criterion of its own to choose or smooth; it is not a cross-entropy")
    module = backends.load(backend).build_head(margin, embedding_size, num_classes, shared)
    seed = secrets.randbits(32) if seed is None else seed
    set_state(module, margin.initial_state(embedding_size, num_classes, seed), strict=False)
    return module
