"""The conformance suite of backbones, for those of the zoo and for your own: ``check_backbone("IR50")``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.leaf import Leaf
from facezoo.canonical.state import get_state, inventory, parameter_count
from facezoo.parity.backbones import BACKENDS, measure_backbone
from facezoo.parity.reduced import reduced
from facezoo.specs.base import BackboneSpec
from facezoo.testing.mirror import check_mirror
from facezoo.zoo import catalog
from facezoo.zoo.create import build_backbone

SEED = 20


def check_backbone(
    backbone: str | BackboneSpec, *, golden: Mapping[str, str] | None = None, full: bool = False
) -> list[str]:
    """Check a network against the contracts of the zoo; the first failure raises.

    Args:
        backbone: a public name, or the spec of a network whose torch and paddle files are in
            ``backends/*/backbones``.
        golden: name -> an earlier result of :func:`fingerprint`. A name that is not in it is only compared between
            the backends.
        full: compare numbers at the network's own depth and image size, instead of a reduced one.

    Returns:
        Names of the checks.

    Raises:
        AssertionError: the network fails a check; the message gives the check and the difference.
        UnknownNameError: no backbone of the zoo has that name.
        BackendUnavailableError: torch or paddle is not installed; both are needed.
    """
    spec = catalog.backbone_spec(backbone) if isinstance(backbone, str) else backbone
    check_mirror("backbones", spec.family)
    outlines = {backend: backends.module(backend, "introspect").outline(spec) for backend in BACKENDS}
    check_inventory(spec, outlines, golden)
    check_settings(spec, outlines)
    check_modes(spec, outlines)
    check_initial(spec)
    check_numbers(spec, full=full)
    return ["mirror", "inventory", "settings", "modes", "initial values", "numbers"]


def check_inventory(spec: BackboneSpec, outlines: Mapping[str, Any], golden: Mapping[str, str] | None = None) -> None:
    """Same tensors in the same order on both backends, the published number of parameters, the golden fingerprint."""
    torch, paddle = (inventory(outlines[backend]) for backend in BACKENDS)
    for a, b in zip(torch, paddle, strict=False):
        same = (a.name, a.shape, a.layer, a.trained) == (b.name, b.shape, b.layer, b.trained)
        assert same, f"{spec.name}: torch has {_shown(a)}, paddle has {_shown(b)}"
    assert len(torch) == len(paddle), f"{spec.name}: {len(torch)} tensors on torch, {len(paddle)} on paddle"
    count = parameter_count(outlines["torch"])
    assert spec.parameters in (None, count), f"{spec.name}: {count:,} parameters; published are {spec.parameters:,}"
    before, now = (golden or {}).get(spec.name), fingerprint(outlines["torch"])
    assert before in (None, now), f"{spec.name}: {now}; the golden file has {before}"


def check_settings(spec: BackboneSpec, outlines: Mapping[str, Any]) -> None:
    """Same layers in the same order, with the same eps, momentum, stride, padding, groups and dropout."""
    torch, paddle = (backends.module(backend, "introspect").settings(outlines[backend]) for backend in BACKENDS)
    for a, b in zip(torch, paddle, strict=False):
        assert a == b, f"{spec.name}: torch has {a}, paddle has {b}"
    assert len(torch) == len(paddle), f"{spec.name}: {len(torch)} layers on torch, {len(paddle)} on paddle"


def check_modes(spec: BackboneSpec, outlines: Mapping[str, Any]) -> None:
    """``train()`` and ``eval()`` reach every layer; no layer is in a plain Python list."""
    for backend, module in outlines.items():
        native = backends.module(backend, "introspect")
        assert not native.hidden(module), f"{spec.name} on {backend}: not reached by eval(): {native.hidden(module)[0]}"
        module.eval()
        assert not any(native.modes(module)), f"{spec.name} on {backend}: eval() leaves a layer in training mode"
        module.train()
        assert all(native.modes(module)), f"{spec.name} on {backend}: train() leaves a layer in evaluation mode"


def check_initial(spec: BackboneSpec) -> None:
    """Initial values depend only on the seed, are equal on both backends, and fit the kind of each layer."""
    spec = reduced(spec)
    torch, paddle, other = (
        build_backbone(spec, backend=backend, seed=seed)
        for backend, seed in (("torch", SEED), ("paddle", SEED), ("torch", SEED + 1))
    )
    states = get_state(torch), get_state(paddle), get_state(other)
    for item in inventory(torch):
        a, b, c = (state[item.name] for state in states)
        assert np.array_equal(a, b), f"{spec.name}: {item.name} has different initial values on torch and paddle"
        _check_start(spec, item, a, c)


def _check_start(spec: BackboneSpec, item: Leaf, value: np.ndarray, other: np.ndarray) -> None:
    where = f"{spec.name}: {item.name}"
    assert np.isfinite(value).all(), f"{where} is not finite"
    if item.layer in ("conv", "linear") and item.entry == "weight":
        assert not np.array_equal(value, other), f"{where} does not depend on the seed"
        spread = float(value.std())
        bound = 6 * spread / np.sqrt(value.size)
        assert spread > 0, f"{where} is constant"
        assert abs(float(value.mean())) < bound, f"{where} has mean {value.mean():.2e}; expected 0 +- {bound:.1e}"
    elif item.layer in ("batch_norm", "layer_norm"):
        start = 1.0 if item.entry in ("weight", "running_var") else 0.0
        assert np.abs(value - start).max() <= 1e-3, f"{where} does not have the initial value {start}"


def check_numbers(spec: BackboneSpec, *, full: bool = False) -> None:
    """Forward, backward, one optimiser step and running statistics agree within ``facezoo.parity.backbones.BOUNDS``."""
    excesses = measure_backbone(spec, full=full).excesses()
    assert not excesses, f"{spec.name}: {'; '.join(excesses)}"


def fingerprint(module: Any) -> str:
    """One line of the golden file: number of tensors, of parameters, and a hash of the ordered names and shapes."""
    leaves = inventory(module)
    text = "\n".join(f"{item.name} {item.shape} {item.trained}" for item in leaves)
    return f"{len(leaves)} {parameter_count(module)} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def read_golden(text: str) -> dict[str, str]:
    """Name -> fingerprint, from the text of a golden file."""
    return dict(line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def _shown(item: Leaf) -> str:
    return f"{item.name} {item.shape}{'' if item.trained else ' fixed'}"
