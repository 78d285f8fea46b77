"""Verification pairs drawn at random from a labelled set, in folds that share no identity."""

from __future__ import annotations

import numpy as np

from facezoo.errors import DataError
from facezoo.rng import generator

FOLDS = 10
_TRIES = 50  # draws per wanted pair before giving up


def draw_pairs(labels: np.ndarray, pairs: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw equally many genuine and impostor pairs, none twice.

    The pairs come in ten consecutive folds, in each the genuine before the impostor pairs, as in the list of LFW. If
    there are enough identities, none is in two folds.

    Args:
        labels: int64 (n,), the identity of each image.
        pairs: largest number of pairs; fewer if the images do not allow it.
        seed: of the random choice.

    Returns:
        int64 (P, 2) image numbers, and bool (P,), whether a pair is genuine.

    Raises:
        DataError: a fold has no genuine or no impostor pair.
    """
    rng = generator(seed, "pairs")
    groups = _groups(labels, rng)
    wanted = max(1, pairs // (2 * FOLDS))
    drawn = [(_genuine(group, wanted, rng), _impostor(group, wanted, rng)) for group in groups]
    count = min(min(len(genuine), len(impostor)) for genuine, impostor in drawn)
    if not count:
        raise DataError(
            f"{len(labels)} images of {len(np.unique(labels))} identities allow no pairs; "
            "expected several identities with two images or more"
        )
    chosen = [pair for genuine, impostor in drawn for pair in (*genuine[:count], *impostor[:count])]
    same = np.tile(np.repeat([True, False], count), len(drawn))
    return np.array(chosen, np.int64), same


def _groups(labels: np.ndarray, rng: np.random.Generator) -> list[list[np.ndarray]]:
    """Ten groups of identities, each identity an array of its images; one group if there are few."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    identities = np.split(order, starts[1:])
    # identities with several images are distributed first, so that every fold has some
    several = [i for i in rng.permutation(len(identities)) if len(identities[i]) > 1]
    single = [i for i in rng.permutation(len(identities)) if len(identities[i]) == 1]
    dealt = [*several, *single]
    if len(several) < FOLDS or len(dealt) < 2 * FOLDS:
        return [[identities[i] for i in dealt]]
    return [[identities[i] for i in dealt[fold::FOLDS]] for fold in range(FOLDS)]


def _genuine(group: list[np.ndarray], wanted: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    several = [images for images in group if len(images) > 1]
    found: dict[tuple[int, int], None] = {}
    for _ in range(wanted * _TRIES if several else 0):
        images = several[rng.integers(len(several))]
        a, b = rng.choice(len(images), 2, replace=False)
        found[int(images[min(a, b)]), int(images[max(a, b)])] = None
        if len(found) == wanted:
            break
    return list(found)


def _impostor(group: list[np.ndarray], wanted: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    found: dict[tuple[int, int], None] = {}
    for _ in range(wanted * _TRIES if len(group) > 1 else 0):
        a, b = sorted(rng.choice(len(group), 2, replace=False))
        found[int(rng.choice(group[a])), int(rng.choice(group[b]))] = None
        if len(found) == wanted:
            break
    return list(found)
