"""Reduced networks of the same construction, on which the conformance suite compares numbers."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec

RANDOM = ("dropout", "drop_connect", "drop_path", "mask_ratio")  # the random masks of two frameworks differ
COUNTS = ("units", "layers", "depths", "depth", "modules")  # numbers of repeats of a block
NARROW = 16  # if all widths are multiples of this, they are divided by 4
SIZES = ((32, 48), (28, 56), (56, 112))  # not square, so that swapped height and width are detected


def without_randomness(spec: BackboneSpec) -> BackboneSpec:
    """The same network without random operations in training."""
    own = {entry.name for entry in fields(spec)}
    quiet: dict[str, Any] = {name: 0.0 for name in RANDOM if name in own}
    return replace(spec, **quiet)


def reduced(spec: BackboneSpec) -> BackboneSpec:
    """A narrow network with at most 2 repeats of each kind of block, small images, and no random operation.

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
    if isinstance(value, float):  # a factor of the repeats
        return min(value, 0.4)
    return min(value, 2) if isinstance(value, int) else value


def construction(spec: BackboneSpec) -> str:
    """A string that is equal for specs that build the same network under different names."""
    return repr(replace(spec, name="", parameters=None, notes="", paper=""))
