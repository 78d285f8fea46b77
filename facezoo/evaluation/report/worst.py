"""The worst pairs: impostor pairs of highest score and genuine pairs of lowest score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facezoo.evaluation.pairwise.tiles import Side, Tiling
from facezoo.evaluation.protocols.result import PairRecord
from facezoo.evaluation.scores.checks import encode_labels


@dataclass(frozen=True)
class WrongPair:
    """One pair to show.

    Attributes:
        first: name of the first image.
        second: name of the second image.
        score: score of the pair.
    """

    first: str
    second: str
    score: float


def worst_listed(record: PairRecord, count: int = 10) -> tuple[list[WrongPair], list[WrongPair]]:
    """(false matches, false non-matches) of listed pairs, worst first."""
    names = [str(index) for index in range(2 * len(record.scores))]
    first = record.first or names[::2]
    second = record.second or names[1::2]
    gap = record.scores - record.threshold

    def pick(wrong: np.ndarray, rising: np.ndarray) -> list[WrongPair]:
        rows = np.flatnonzero(wrong)
        rows = rows[np.argsort(rising[rows], kind="stable")][:count]
        return [WrongPair(first[row], second[row], float(record.scores[row])) for row in rows]

    wrong = ~record.correct
    return pick(wrong & ~record.same, -gap), pick(wrong & record.same, gap)


def worst_of_all_pairs(
    embeddings: np.ndarray, labels: Sequence[object] | np.ndarray, names: Sequence[str], count: int = 10
) -> tuple[list[WrongPair], list[WrongPair]]:
    """(impostor pairs of highest score, genuine pairs of lowest score) of all unordered pairs, worst first.

    Args:
        embeddings: (N, E).
        labels: (N,).
        names: names of the rows (N,).
        count: number of pairs of each kind.
    """
    codes = encode_labels(labels, len(np.asarray(embeddings)))
    tiling = Tiling(Side.build(np.asarray(embeddings), codes, "cosine", "embeddings"), None, 2048, np.float64, True)
    high: list[tuple[float, int, int]] = []
    low: list[tuple[float, int, int]] = []
    for row, column in tiling.tiles():
        scores, same = tiling.tile(row, column)
        high += _extremes(np.where(same == 0, -scores, np.inf), row, column, count)
        low += _extremes(np.where(same == 1, scores, np.inf), row, column, count)
        high, low = sorted(high)[:count], sorted(low)[:count]
    order = tiling.left.order

    def named(found: list[tuple[float, int, int]], sign: int) -> list[WrongPair]:
        return [WrongPair(str(names[order[i]]), str(names[order[j]]), sign * score) for score, i, j in found]

    return named(high, -1), named(low, 1)


def _extremes(values: np.ndarray, row: int, column: int, count: int) -> list[tuple[float, int, int]]:
    """The smallest finite values of a tile with their sorted positions."""
    flat = values.ravel()
    kept = np.argpartition(flat, min(count, len(flat) - 1))[:count]
    return [
        (float(flat[at]), row + int(at) // values.shape[1], column + int(at) % values.shape[1])
        for at in kept
        if np.isfinite(flat[at])
    ]
