"""A layout of published checkpoints: how it is recognised, and which of its entries is which of ours."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from facezoo.canonical.leaf import RENAMED, TRANSPOSED, Leaf
from facezoo.specs.base import BackboneSpec
from facezoo.zoo import catalog

Shapes = Mapping[str, tuple[int, ...]]  # key of the file, without prefixes -> shape
ANY = (-1,)  # shape of an entry of any size, such as a classifier


@dataclass(frozen=True)
class Found:
    """A recognised layout.

    Attributes:
        backbone: public name.
        variant: options of the backbone.
        style: "torch" or "paddle": the framework whose tensor names and shapes the file has.
    """

    backbone: str
    variant: dict[str, Any] = field(default_factory=dict)
    style: str = "torch"

    def spec(self) -> BackboneSpec:
        """The spec that is built."""
        return catalog.backbone_spec(self.backbone, **self.variant)


class Entry(NamedTuple):
    """One of our tensors and its key in the file.

    Attributes:
        leaf: ours.
        key: theirs; empty for a constant that the file does not hold.
        transposed: whether theirs is the transpose.
    """

    leaf: Leaf
    key: str
    transposed: bool


class Layout(ABC):
    """One family of published files.

    Attributes:
        family: name of the family of networks.
        projects: its publishers, the most likely first; keys of :data:`facezoo.checkpoints.foreign.projects.PROJECTS`.
    """

    family: ClassVar[str]
    projects: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognise(self, shapes: Shapes) -> Found | None:
        """The backbone that the keys and shapes belong to; None when this is another layout."""

    def of_project(self, found: Found, project: str) -> Found:
        """The backbone as one of the projects builds it, where no tensor shows the difference."""
        return found

    @abstractmethod
    def layers(self, spec: BackboneSpec) -> Iterator[tuple[str, str]]:
        """(our layer, their layer) for every layer that holds tensors; also (our entry, their entry)."""

    def unused(self, spec: BackboneSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Entries that published files carry and the network never reads, with their shapes."""
        return {}

    def aliases(self, spec: BackboneSpec) -> Iterator[tuple[str, str]]:
        """(layer, the same layer under a second name) in files that list tensors twice."""
        return iter(())

    def entries(self, found: Found, leaves: Iterable[Leaf]) -> list[Entry]:
        """The key of each of our tensors in the file."""
        theirs = dict(self.layers(found.spec()))
        entries = []
        for item in leaves:
            owner = item.name.removesuffix(item.entry).removesuffix(".")
            own = theirs.get(item.name)  # a tensor that belongs to no layer of its own
            key = own if own is not None else f"{theirs[owner]}.{native_entry(found.style, item)}"
            entries.append(Entry(item, key, (found.style, item.layer, item.entry) in TRANSPOSED))
        return entries

    def convert(self, entry: Entry, value: np.ndarray) -> np.ndarray:
        """A tensor of the file in our layout; one of a wrong shape keeps it and is refused by the caller."""
        value = value.T if entry.transposed and value.ndim == 2 else value
        if value.shape == (*entry.leaf.shape, 1, 1) and entry.leaf.layer == "linear":
            value = value.reshape(entry.leaf.shape)  # a 1x1 convolution on a 1x1 map
        return value

    def constant(self, entry: Entry, spec: BackboneSpec) -> np.ndarray:
        """The value of an entry without a key."""
        raise KeyError(entry.leaf.name)


def native_entry(style: str, item: Leaf) -> str:
    """The name that a framework gives an entry of a layer.

    >>> native_entry("paddle", Leaf("bn.running_mean", (64,), "batch_norm", "running_mean", False, False))
    '_mean'
    """
    names = {ours: native for native, ours in RENAMED.get((style, item.layer), {}).items()}
    return names.get(item.entry, item.entry)


def counted(shapes: Shapes, pattern: str) -> int:
    """The count n of the numbers that ``pattern``'s group matches, if they are 0..n-1 without a gap; else 0.

    >>> counted({"body.0.bn.weight": (1,), "body.1.bn.weight": (1,)}, "body[.]([0-9]+)[.]")
    2
    """
    compiled = re.compile(pattern)
    numbers = {int(match[1]) for key in shapes if (match := compiled.match(key))}
    return len(numbers) if numbers == set(range(len(numbers))) else 0


def named_by(units: tuple[int, ...], prefix: str, attribute: str = "units") -> str | None:
    """The backbone whose name starts with ``prefix`` and whose spec has these ``units``; None when there is none."""
    for name, spec in catalog.BACKBONES.items():
        if re.fullmatch(rf"{prefix}\d+", name) and getattr(spec, attribute, None) == units:
            return name
    return None


def style_of(shapes: Shapes) -> str:
    """The framework whose tensor names the file has: "paddle" when the mean of a norm is named ``_mean``."""
    return "paddle" if any(key.endswith("._mean") for key in shapes) else "torch"
