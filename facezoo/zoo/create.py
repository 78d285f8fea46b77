"""From a public name to a native module with its initial weights."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import Any

from facezoo import backends
from facezoo.canonical.initial import initial_state
from facezoo.canonical.state import inventory, set_state
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.margins.base import Margin
from facezoo.specs.base import BackboneSpec
from facezoo.zoo import catalog

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
    seed: int | None = None, extra: Mapping[str, Any] | None = None, **hyper: Any,
) -> Any:  # fmt: skip
    """Build a loss head of the zoo.

    Args:
        name: public name, as ``facezoo list heads`` shows it.
        backend: "torch" or "paddle".
        embedding_size: E.
        num_classes: C, 2 or more for classification heads.
        criterion: "softmax" or "focal"; classification heads only.
        seed: the initial weights depend on it and on nothing else; None takes a fresh one.
        extra: auxiliary terms beside a classification head, name -> factor, or name -> hyper-parameters with
            ``factor`` among them: ``{"RegularFace": 1.0, "Center": {"factor": 0.003, "alpha": 0.5}}``. Terms on class
            weights act on the head's own; "ClassBalanced" weighs the samples and takes no factor.
        hyper: hyper-parameters of the head (``margin``, ``scale``, ``variant``, ...), and for classification heads
            ``label_smoothing`` (0 to below 1) and ``focal_gamma`` (0 or more).

    Raises:
        UnknownNameError: no such head, hyper-parameter, criterion or backend.
        ConfigError: a value is out of range.
        BackendUnavailableError: the framework is not installed.
    """
    shared: dict[str, Any] = {key: hyper.pop(key) for key in ("label_smoothing", "focal_gamma") if key in hyper}
    margin = catalog.head_margin(name, **hyper)
    if embedding_size < 1:
        raise ConfigError(f"{margin.name}: embedding_size is {embedding_size}; expected 1 or more")
    margin.check_classes(num_classes)
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion", criterion, CRITERIA)
    if not 0 <= shared.get("label_smoothing", 0.0) < 1:
        raise ConfigError(f"label_smoothing is {shared['label_smoothing']}; expected 0 to below 1")
    if shared.get("focal_gamma", 2.0) < 0:
        raise ConfigError(f"focal_gamma is {shared['focal_gamma']}; expected 0 or more")
    if margin.classifies:
        shared["criterion"] = criterion if criterion in margin.criteria else margin.criteria[0]
    elif shared or criterion != "softmax":
        raise ConfigError(f"{margin.name} has no criterion of its own to choose or smooth; it is not a cross-entropy")
    module = backends.load(backend).build_head(margin, embedding_size, num_classes, shared)
    seed = secrets.randbits(32) if seed is None else seed
    set_state(module, margin.initial_state(embedding_size, num_classes, seed), strict=False)
    _attach(module, margin, extra or {}, backend)
    return module


def _attach(module: Any, margin: Margin, extra: Mapping[str, Any], backend: str) -> None:
    """Put auxiliary heads beside a classification head."""
    native = backends.load(backend)
    for name, given in extra.items():
        hyper = dict(given) if isinstance(given, Mapping) else {"factor": given}
        factor = hyper.pop("factor", 1.0)
        term = catalog.head_margin(name, **hyper)
        if not term.auxiliary:
            raise ConfigError(f"extra: {term.name} is a head of its own; expected one of {', '.join(_auxiliary())}")
        if margin.family not in ("margin", "linear") or (term.family == "regulariser" and not margin.one_row):
            raise ConfigError(f"extra: {term.name} needs one weight row a class; {margin.name} has none or several")
        term.check_classes(module.num_classes)
        if not isinstance(factor, (int, float)) or not 0 <= factor < math.inf:
            raise ConfigError(f"extra: the factor of {term.name} is {factor!r}; expected 0 or more")
        part = native.build_head(term, module.embedding_size, module.num_classes, {})
        module.attach(term.name, part, float(factor))


def _auxiliary() -> list[str]:
    return [name for name, margin in catalog.HEADS.items() if margin().auxiliary]
