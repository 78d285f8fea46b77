"""Verification pairs drawn from any labelled source: ten folds of different people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.errors import ConfigError, DataError
from facezoo.rng import generator


@dataclass(frozen=True)
class Pairs:
    """Pairs of images in folds; no identity is in two folds.

    Attributes:
        first: int64 (n,), image numbers.
        second: int64 (n,).
        same: bool (n,), whether both show one identity.
        folds: int64 (n,), 0..folds-1, ascending.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    folds: np.ndarray

    def __len__(self) -> int:
        return len(self.same)


def verification_pairs(labels: np.ndarray, n_pairs: int = 6000, *, seed: int = 0, folds: int = 10) -> Pairs:
    """Half genuine and half impostor pairs in each fold, the identities of a fold in no other.

    Within a fold no pair comes twice, in either order, and no image is paired with itself.

    Args:
        labels: int64 (m,), the identity of each image: ``source.labels``.
        n_pairs: a multiple of ``2 * folds``.
        seed: which pairs.
        folds: 2 or more.

    Raises:
        ConfigError: ``n_pairs`` or ``folds`` is not valid.
        DataError: too few identities or images for so many different pairs.

    >>> pairs = verification_pairs(np.repeat(np.arange(20), 4), 40)
    >>> len(pairs), int(pairs.same.sum())
    (40, 20)
    """
    if folds < 2:
        raise ConfigError(f"folds is {folds}; expected 2 or more")
    if n_pairs < 1 or n_pairs % (2 * folds):
        raise ConfigError(f"n_pairs is {n_pairs}; expected a multiple of {2 * folds}, so that folds are alike")
    labels = np.asarray(labels, dtype=np.int64)
    rng = generator(seed, "pairs", folds)
    identities = rng.permutation(np.unique(labels))
    if len(identities) < 2 * folds:
        raise DataError(f"{len(identities)} identities; expected {2 * folds} or more for {folds} folds of pairs")
    columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for people in np.array_split(identities, folds):
        images = np.flatnonzero(np.isin(labels, people))
        half = n_pairs // (2 * folds)
        for same in (True, False):
            first, second = _draw(rng, images, labels, same, half)
            columns.append((first, second, np.full(half, same)))
    first, second, alike = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Pairs(first, second, alike, np.repeat(np.arange(folds), n_pairs // folds))


def _draw(
    rng: np.random.Generator, images: np.ndarray, labels: np.ndarray, same: bool, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """``count`` different pairs among the images, each identity (or pair of identities) about equally often."""
    groups = [images[labels[images] == label] for label in np.unique(labels[images])]
    sizes = np.array([len(group) for group in groups])
    possible = int((sizes * (sizes - 1)).sum() if same else sizes.sum() ** 2 - (sizes**2).sum()) // 2
    if possible < count:
        kind = "genuine" if same else "impostor"
        raise DataError(f"{count} {kind} pairs asked of a fold; its {len(images)} images make {possible}")
    usable = np.flatnonzero(sizes > 1) if same else np.arange(len(groups))
    chosen: dict[tuple[int, int], None] = {}
    for _ in range(50 * count):
        if len(chosen) == count:
            break
        one, two = (rng.choice(usable),) * 2 if same else rng.choice(usable, 2, replace=False)
        a, b = (
            (rng.choice(groups[one], 2, replace=False)) if same else (rng.choice(groups[one]), rng.choice(groups[two]))
        )
        chosen.setdefault((int(min(a, b)), int(max(a, b))))
    if len(chosen) < count:  # nearly all there are: list them
        rows, columns = np.triu_indices(len(images), 1)
        wanted = (labels[images[rows]] == labels[images[columns]]) == same
        every = np.stack([images[rows[wanted]], images[columns[wanted]]], axis=1)
        for a, b in rng.permutation(every):
            if len(chosen) == count:
                break
            chosen.setdefault((int(min(a, b)), int(max(a, b))))
    pairs = np.array(list(chosen), dtype=np.int64)
    return pairs[:, 0], pairs[:, 1]
