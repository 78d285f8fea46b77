"""A small network of the same construction: what the conformance suite computes with."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec

RANDOM = ("dropout", "drop_connect", "drop_path", "mask_ratio")  # masks of two frameworks cannot be compared
COUNTS = ("units", "layers", "depths", "depth", "modules")  # how often a block is repeated
NARROW = 16  # widths that are all multiples of this are cut to a quarter
SIZES = ((32, 48), (28, 56), (56, 112))  # not square, so that a swap of height and width shows


def without_randomness(spec: BackboneSpec) -> BackboneSpec:
    """The same network without anything random in training."""
    own = {entry.name for entry in fields(spec)}
    quiet: dict[str, Any] = {name: 0.0 for name in RANDOM if name in own}
    return replace(spec, **quiet)


def reduced(spec: BackboneSpec) -> BackboneSpec:
    """Steady, narrow, at most two repeats of a block, a small image; every kind of block stays.

    >>> from facezoo.zoo.catalog import backbone_spec
    >>> reduced(backbone_spec("IR152")).units
    (2, 2, 2, 2)
    """
    own = {entry.name for entry in fields(spec)}
    few = {name: _few(getattr(spec, name)) for name in COUNTS if name in own}
    widths = getattr(spec, "widths", ()) if "widths" in own else ()
    if widths and not any(width % NARROW for width in widths):
        few["widths"] = tuple(width // 4 for width in widths)
    small = replace(without_randomness(spec), parameters=None, **few)
    for size in SIZES:
        try:
            return replace(small, input_size=size, preprocess=replace(spec.preprocess, size=size))
        except ConfigError:
            continue
    return small


def _few(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_few(item) for item in value)
    if isinstance(value, float):  # a multiplier of repeats
        return min(value, 0.4)
    return min(value, 2) if isinstance(value, int) else value


def construction(spec: BackboneSpec) -> str:
    """What two specs share that build the same network under two names."""
    return repr(replace(spec, name="", parameters=None, notes="", paper=""))
