"""Selections of a source, and two sources joined; images are read from the original source."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from facezoo.data.sources.encoded import EncodedSource, encoded_image
from facezoo.data.sources.source import Source
from facezoo.errors import ConfigError, DataError, UnknownNameError
from facezoo.rng import generator


class Selection(EncodedSource):
    """Some images of a source; the remaining identities are renumbered without gaps, in the old order.

    Args:
        source: the original.
        indices: int64 (m,), the images to keep, in the new order.

    Raises:
        DataError: ``indices`` is empty.
    """

    def __init__(self, source: Source, indices: np.ndarray) -> None:
        self.source = source
        self.indices = np.asarray(indices, np.int64)
        if not len(self.indices):
            raise DataError(f"none of the {len(source)} images is left")
        kept, labels = np.unique(source.labels[self.indices], return_inverse=True)
        self.labels = labels.reshape(-1).astype(np.int64)
        self.class_names = [source.class_names[label] for label in kept]
        self.weights = None if source.weights is None else source.weights[self.indices]

    def image(self, index: int) -> np.ndarray:
        """Decode image ``index``."""
        return self.source.image(int(self.indices[index]))

    def encoded(self, index: int) -> bytes:
        """The stored bytes, or a PNG if the source stores none."""
        return encoded_image(self.source, int(self.indices[index]))

    def key(self, index: int) -> str:
        """The source's key."""
        return self.source.key(int(self.indices[index]))


class Joined(EncodedSource):
    """Two sources one after the other; built by :func:`concatenate`."""

    def __init__(self, first: Source, second: Source, names: list[str], second_labels: np.ndarray) -> None:
        self.first, self.second, self.class_names = first, second, names
        self.labels = np.concatenate([first.labels, second_labels[second.labels]]).astype(np.int64)
        if first.weights is not None or second.weights is not None:
            once = [np.ones(len(source)) if source.weights is None else source.weights for source in (first, second)]
            self.weights = np.concatenate(once)

    def _at(self, index: int) -> tuple[Source, int]:
        index = range(len(self))[index]
        split = len(self.first)
        return (self.first, index) if index < split else (self.second, index - split)

    def image(self, index: int) -> np.ndarray:
        """Decode image ``index``."""
        source, at = self._at(index)
        return source.image(at)

    def encoded(self, index: int) -> bytes:
        """The stored bytes, or a PNG if the source stores none."""
        return encoded_image(*self._at(index))

    def key(self, index: int) -> str:
        """The key in its own source."""
        source, at = self._at(index)
        return source.key(at)


class Weighted(Selection):
    """All images of a source, each coming ``weight`` times in an epoch, on average.

    Args:
        source: the original.
        weight: above 0.

    Raises:
        ConfigError: the weight is not above 0.
    """

    def __init__(self, source: Source, weight: float) -> None:
        if not 0 < weight < np.inf:
            raise ConfigError(f"the weight of a data set is {weight}; expected above 0")
        super().__init__(source, np.arange(len(source)))
        self.weights = np.full(len(source), float(weight))


def drop_small(source: Source, min_images: int) -> Source:
    """Leave out the identities with fewer than ``min_images`` images.

    Raises:
        ConfigError: ``min_images`` is below 1.
        DataError: no identity has so many.
    """
    if min_images < 1:
        raise ConfigError(f"min_images is {min_images}; expected 1 or more")
    counts = np.bincount(source.labels, minlength=source.num_classes)
    if counts.min() >= min_images:
        return source
    if counts.max() < min_images:
        raise DataError(f"no identity has {min_images} images; the largest of {len(counts)} has {counts.max()}")
    return Selection(source, np.flatnonzero(counts[source.labels] >= min_images))


def only_identities(source: Source, names: Iterable[str]) -> Source:
    """Keep the named identities.

    Raises:
        UnknownNameError: the source has no such identity.
    """
    number = {name: label for label, name in enumerate(source.class_names)}
    keep = np.zeros(source.num_classes, bool)
    for name in names:
        if name not in number:
            raise UnknownNameError("identity", name, source.class_names)
        keep[number[name]] = True
    return Selection(source, np.flatnonzero(keep[source.labels]))


def concatenate(first: Source, second: Source, *, same_names: str = "refuse") -> Source:
    """The images of ``first``, then those of ``second``.

    Args:
        first: keeps its labels.
        second: its identities are numbered after those of ``first``.
        same_names: for identities with the same name in both: "merge" joins them, "apart" keeps two and names the
            second ``NAME#2``, "refuse" raises, since equal numbers need not mean the same person.

    Raises:
        DataError: both have an identity with the same name, and ``same_names`` is "refuse".
        UnknownNameError: another ``same_names``.
    """
    return Joined(first, second, *join_names(first.class_names, second.class_names, same_names))


def join_names(first: list[str], second: list[str], same_names: str) -> tuple[list[str], np.ndarray]:
    """Names of the identities of two sets together, and the new label of each of the second, int64.

    Raises:
        DataError, UnknownNameError: as for :func:`concatenate`.
    """
    if same_names not in ("refuse", "merge", "apart"):
        raise UnknownNameError("same_names", same_names, ("refuse", "merge", "apart"))
    number = {name: label for label, name in enumerate(first)}
    shared = [name for name in second if name in number]
    if shared and same_names == "refuse":
        raise DataError(
            f"{len(shared)} identities are in both sets, such as {shared[0]!r}; same_names must be merge or apart"
        )
    names = list(first)
    taken = {*names, *second}
    mapping = np.empty(len(second), np.int64)
    for label, name in enumerate(second):
        if name in number and same_names == "merge":
            mapping[label] = number[name]
        else:
            mapping[label] = len(names)
            names.append(_free_name(name, taken) if name in number else name)
    return names, mapping


def _free_name(name: str, taken: set[str]) -> str:
    """The first of ``NAME#2``, ``NAME#3``, ... that is not in ``taken``; adds it there."""
    free = next(f"{name}#{n}" for n in itertools.count(2) if f"{name}#{n}" not in taken)
    taken.add(free)
    return free


def split_identities(source: Source, share: float, *, seed: int = 0) -> tuple[Source, Source]:
    """Training and held-out identities; no identity is in both.

    The choice depends on (seed, name) only, not on the images or the order of the identities.

    Args:
        source: the original.
        share: share of the identities to hold out, above 0 and below 1; each part gets at least one.
        seed: of the choice.

    Raises:
        ConfigError: the share is out of range, or there is only one identity.
    """
    if not 0 < share < 1 or source.num_classes < 2:
        raise ConfigError(
            f"cannot hold out {share} of {source.num_classes} identities; expected 0 < share < 1 and two or more"
        )
    draws = [(generator(seed, "held out", name).random(), name) for name in source.class_names]
    order = sorted(range(len(draws)), key=lambda label: draws[label])
    count = min(max(1, round(share * len(order))), len(order) - 1)
    held = np.zeros(source.num_classes, bool)
    held[order[:count]] = True
    of_held = held[source.labels]
    return Selection(source, np.flatnonzero(~of_held)), Selection(source, np.flatnonzero(of_held))
