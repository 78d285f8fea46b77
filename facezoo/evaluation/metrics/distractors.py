"""Identification among distractors, as in MegaFace.

Kemelmacher-Shlizerman et al. 2016, "The MegaFace Benchmark": each image of a person is searched among the
distractors and one other image of the person, for every ordered pair of images of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.rows import NpyRows, iterate_rows
from facezoo.evaluation.scores.checks import encode_labels
from facezoo.evaluation.scores.products import cosines, rounded
from facezoo.inference.embeddings import normalise
from facezoo.rng import generator


@dataclass(frozen=True)
class DistractorResult:
    """CMC for growing numbers of distractors. Rates are 0..1.

    Attributes:
        rank: number of distractors -> k -> share of trials with the mate among the k highest scores.
        trials: ordered pairs of images of one person.
        probes: images with at least one mate.
        ranks: number of distractors -> int64 (trials,); a tie with a distractor counts against the mate.
    """

    rank: dict[int, dict[int, float]]
    trials: int
    probes: int
    ranks: dict[int, np.ndarray] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        rank = {str(size): {str(k): value for k, value in row.items()} for size, row in self.rank.items()}
        return {"trials": self.trials, "probes": self.probes, "rank": rank}


def _mates(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probe row and mate row of every ordered pair of one identity, in ascending order of the probe."""
    order = np.argsort(codes, kind="stable")
    _, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    probes, mates = [], []
    for start, count in zip(starts, counts, strict=True):
        rows = order[start : start + count]
        one, two = np.meshgrid(rows, rows, indexing="ij")
        differ = one != two
        probes.append(one[differ])
        mates.append(two[differ])
    probe, mate = np.concatenate(probes), np.concatenate(mates)
    by_probe = np.argsort(probe, kind="stable")
    return probe[by_probe], mate[by_probe]


def identification_with_distractors(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    distractors: np.ndarray | NpyRows,
    sizes: Sequence[int] = (10, 100, 1_000, 10_000, 100_000, 1_000_000),
    *,
    ranks: Sequence[int] = (1, 5, 10),
    seed: int = 0,
    block: int = 4096,
) -> DistractorResult:
    """Rank of each mate among nested random sets of distractors.

    Args:
        embeddings: (N, E), two or more images per person.
        labels: the identity of each row (N,).
        distractors: (D, E) of other people, an array or a file.
        sizes: numbers of distractors, each 1..D; the smaller sets are subsets of the larger.
        ranks: k for the rank-k rates.
        seed: selects the distractors of the smaller sets.
        block: number of distractors compared at once.

    Raises:
        ProtocolError: no identity has two images, or a size is larger than the number of distractors.
    """
    wanted = sorted(set(int(size) for size in sizes))
    if not wanted or wanted[0] < 1 or wanted[-1] > len(distractors):
        raise ProtocolError(f"sizes are {tuple(sizes)}; expected 1..{len(distractors)}, the number of distractors")
    unit = normalise(embeddings)
    probe, mate = _mates(encode_labels(labels, len(unit)))
    if len(probe) == 0:
        raise ProtocolError(f"no identity among {len(unit)} embeddings has two images")
    used, position = np.unique(probe, return_inverse=True)
    own = rounded(np.einsum("ne,ne->n", unit[probe].astype(np.float64), unit[mate]))
    # index of the smallest set that holds each distractor
    turn = np.empty(len(distractors), np.int64)
    turn[generator(seed, "distractors", len(distractors)).permutation(len(distractors))] = np.searchsorted(
        wanted, np.arange(len(distractors)), side="right"
    )
    above = np.zeros((len(wanted), len(probe)), np.int64)
    bounds = np.searchsorted(position, np.arange(len(used) + 1))
    for start, rows in iterate_rows(distractors, block):
        others = normalise(rows, what=f"distractors from row {start}")
        groups = turn[start : start + len(rows)]
        for group in np.unique(groups[groups < len(wanted)]):
            _count_above(unit[used], others[groups == group], own, bounds, above[group])
    counted = np.cumsum(above, axis=0)
    found = {size: 1 + counted[index] for index, size in enumerate(wanted)}
    return DistractorResult(
        rank={size: {k: float(np.mean(row <= k)) for k in ranks} for size, row in found.items()},
        trials=len(probe),
        probes=len(used),
        ranks=found,
    )


def _count_above(
    probes: np.ndarray, others: np.ndarray, own: np.ndarray, bounds: np.ndarray, counts: np.ndarray
) -> None:
    """Add to each trial the number of these distractors that score at least as high as its mate."""
    for start in range(0, len(probes), 1024):
        scores = cosines(probes[start : start + 1024], others)
        scores.sort(axis=1)
        for offset, row in enumerate(scores):
            trials = slice(bounds[start + offset], bounds[start + offset + 1])
            counts[trials] += len(row) - np.searchsorted(row, own[trials], side="left")
