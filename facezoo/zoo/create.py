"""From a public name to a native module with its initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facezoo import backends
from facezoo.canonical.class_rows import ClassRows, hold_rows
from facezoo.canonical.initial import initial_state
from facezoo.canonical.state import inventory, set_state
from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec
from facezoo.zoo import catalog
from facezoo.zoo.head_options import HeadOptions


def create_backbone(
    name: str, *, backend: str, embedding_size: int | None = None, seed: int | None = None, **variant: Any
) -> Any:
    """Build a backbone of the zoo.

    Args:
        name: public name, as ``facezoo list backbones`` shows it.
        backend: "torch" or "paddle".
        embedding_size: E; None takes the network's own, 512 unless its form says otherwise.
        seed: the initial weights depend on it and on nothing else, so both backends start with the same. None draws one
            from the framework's random state, so that ``torch.manual_seed`` or ``paddle.seed`` decides.
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
    native = backends.load(backend)
    seed = native.draw_seed() if seed is None else seed
    module = native.build_backbone(spec)
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
        seed: the initial weights depend on it and on nothing else, so both backends start with the same. None draws one
            from the framework's random state, so that ``torch.manual_seed`` or ``paddle.seed`` decides.
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
    if extra is not None:
        hyper["extra"] = extra
    options = HeadOptions.parse(name, {"criterion": criterion, **hyper})
    return build_head(options, backend=backend, embedding_size=embedding_size, num_classes=num_classes, seed=seed)


def build_head(
    options: HeadOptions, *, backend: str, embedding_size: int, num_classes: int, seed: int | None = None,
    rows: ClassRows | None = None,
) -> Any:  # fmt: skip
    """Like :func:`create_head`, from validated options.

    ``rows`` are the classes that the head holds if it is one part of several; None holds all. A part has the same
    values as the whole head in its rows.
    """
    margin = options.margin
    if embedding_size < 1:
        raise ConfigError(f"{margin.name}: embedding_size is {embedding_size}; expected 1 or more")
    options.check_classes(num_classes)
    native = backends.load(backend)
    seed = native.draw_seed() if seed is None else seed
    kept = None if rows is None else slice(rows.first, rows.end)
    with hold_rows(rows):
        module = native.build_head(margin, embedding_size, num_classes, dict(options.criterion))
        set_state(module, margin.initial_state(embedding_size, num_classes, seed, kept), strict=False)
        for term in options.extra:
            part = native.build_head(term.margin, embedding_size, num_classes, {})
            module.attach(term.margin.name, part, term.factor)
    return module
