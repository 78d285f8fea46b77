"""All pairs of one or two labelled sets, divided into tiles: sorted scores of impostor pairs, one tile at a time.

Rows are sorted by identity, so that genuine pairs lie in rectangles along the diagonal. They are scored once per
identity, and masked in the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facezoo.errors import NumericalError, ProtocolError
from facezoo.evaluation.scores.products import product
from facezoo.inference.embeddings import check_embeddings

_NEAR = 256  # rows of small identities in one product


@dataclass(frozen=True)
class Side:
    """One labelled set, sorted by identity.

    Attributes:
        embeddings: the rows in their original order (N, E).
        order: int64 (N,), positions that sort the rows by identity.
        codes: int64 (N,), identity codes in that order.
        scale: float64 (N,), divisor of each row: its norm, or 1.
    """

    embeddings: np.ndarray
    order: np.ndarray
    codes: np.ndarray
    scale: np.ndarray

    @classmethod
    def build(cls, embeddings: np.ndarray, codes: np.ndarray, metric: str, what: str) -> Side:
        """Check and sort a set; the embeddings are not copied."""
        rows = check_embeddings(embeddings, what=what)
        order = np.argsort(codes, kind="stable")
        scale = np.ones(len(rows))
        if metric == "cosine":
            for start in range(0, len(rows), 8192):
                block = rows[start : start + 8192].astype(np.float64)
                largest = np.abs(block).max(axis=1)
                block /= largest[:, None]
                scale[start : start + 8192] = largest * np.sqrt(np.einsum("ne,ne->n", block, block))
        return cls(rows, order, codes[order], scale)

    def rows(self, start: int, stop: int, dtype: type) -> np.ndarray:
        """Sorted rows start..stop, scaled in float64: (stop - start, E)."""
        at = self.order[start:stop]
        block = self.embeddings[at].astype(np.float64)
        block /= self.scale[at][:, None]
        return block.astype(dtype, copy=False)

    def runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The identity codes, and the first and one past the last row of each."""
        codes, starts = np.unique(self.codes, return_index=True)
        return codes, starts, np.append(starts[1:], len(self.codes))


@dataclass(frozen=True)
class Tiling:
    """The pairs of ``left`` with ``right``, or of ``left`` with itself when ``right`` is None.

    Attributes:
        left: the rows.
        right: the columns; None compares each unordered pair of ``left`` once.
        block: rows and columns of a tile.
        dtype: np.float64 or np.float32, the precision of the sums; the scores are float32.
        places: round float64 sums to 30 binary places before float32; used for the cosine.
    """

    left: Side
    right: Side | None
    block: int
    dtype: type
    places: bool

    def tiles(self) -> list[tuple[int, int]]:
        """First row and column of every tile."""
        rows = range(0, len(self.left.codes), self.block)
        columns = range(0, len((self.right or self.left).codes), self.block)
        return [(row, column) for row in rows for column in columns if self.right is not None or column >= row]

    def genuine(self) -> tuple[np.ndarray, np.ndarray]:
        """Genuine scores, float32 (G,), grouped by identity, and the number of pairs per identity."""
        parts: list[np.ndarray] = []
        sizes = []
        near = np.empty((0, 0), np.float32)  # scores of rows start..stop with each other
        start = stop = 0
        for top, bottom, first, last in self._identities():
            if self.right is not None or bottom - top > _NEAR:
                found = list(self._identity_scores(top, bottom, first, last))
            else:
                if bottom > stop:  # many small identities in one product: thousands of tiny products are slow
                    start, stop = top, min(top + _NEAR, len(self.left.codes))
                    near = self._scores(start, stop, start, stop)
                own = near[top - start : bottom - start, top - start : bottom - start]
                found = [own[np.triu_indices(len(own), 1)]]
            parts += found
            sizes.append(sum(map(len, found)))
        return np.concatenate(parts) if parts else np.empty(0, np.float32), np.array(sizes, np.int64)

    def _identities(self) -> Iterator[tuple[int, int, int, int]]:
        """Row range and column range of each identity that is on both sides."""
        codes, starts, stops = self.left.runs()
        if self.right is None:
            yield from ((a, b, a, b) for a, b in zip(starts, stops, strict=True) if b - a > 1)
            return
        others, firsts, lasts = self.right.runs()
        shared, here, there = np.intersect1d(codes, others, return_indices=True)
        for a, b in zip(here[: len(shared)], there, strict=True):
            yield int(starts[a]), int(stops[a]), int(firsts[b]), int(lasts[b])

    def _identity_scores(self, top: int, bottom: int, first: int, last: int) -> Iterator[np.ndarray]:
        for row in range(top, bottom, self.block):
            end = min(row + self.block, bottom)
            for column in range(first if self.right else row, last, self.block):
                scores = self._scores(row, end, column, min(column + self.block, last))
                if self.right is None and column == row:
                    scores = scores[np.triu_indices(len(scores), 1)]
                yield scores.ravel()

    def _scores(self, row: int, end: int, column: int, last: int) -> np.ndarray:
        left = self.left.rows(row, end, self.dtype)
        right = (self.right or self.left).rows(column, last, self.dtype)
        return product(left, right, places=self.places)

    def impostors(self, row: int, column: int) -> np.ndarray:
        """The impostor scores of one tile, float32, ascending.

        Raises:
            NumericalError: a product overflowed.
        """
        end = min(row + self.block, len(self.left.codes))
        last = min(column + self.block, len((self.right or self.left).codes))
        scores = self._scores(row, end, column, last)
        if not np.isfinite(scores.min()) or not np.isfinite(scores.max()):
            raise NumericalError("a score is not finite: the embeddings are too large for metric 'dot'")
        masked = self._mask(scores, row, end, column, last)
        flat = scores.reshape(-1)
        flat.sort()
        return flat[masked:]

    def tile(self, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores of one tile, and int8 of the same shape: 1 genuine, 0 impostor, -1 not a pair."""
        end = min(row + self.block, len(self.left.codes))
        others = (self.right or self.left).codes[column : column + self.block]
        same = (self.left.codes[row:end, None] == others[None]).astype(np.int8)
        if self.right is None and row == column:
            same[np.tri(len(same), dtype=bool)] = -1
        return self._scores(row, end, column, column + len(others)), same

    def _mask(self, scores: np.ndarray, row: int, end: int, column: int, last: int) -> int:
        """Set -inf at all positions that are not an impostor pair, and return their number."""
        count = 0
        if self.right is None and row == column:
            scores[np.tri(len(scores), dtype=bool)] = -np.inf
            count = len(scores) * (len(scores) + 1) // 2
        others = (self.right or self.left).codes[column:last]
        codes, starts, sizes = np.unique(self.left.codes[row:end], return_index=True, return_counts=True)
        firsts = np.searchsorted(others, codes, side="left")
        stops = np.searchsorted(others, codes, side="right")
        for start, size, first, stop in zip(starts, sizes, firsts, stops, strict=True):
            if stop > first:
                box = scores[start : start + size, first:stop]
                count += int(np.count_nonzero(box > -np.inf))
                box[...] = -np.inf
        return count


def pair_counts(tiling: Tiling) -> tuple[int, int]:
    """Numbers of genuine and impostor pairs, from the labels.

    Raises:
        ProtocolError: there are no genuine or no impostor pairs.
    """
    left = len(tiling.left.codes)
    if tiling.right is None:
        total = left * (left - 1) // 2
        sizes = np.unique(tiling.left.codes, return_counts=True)[1].astype(np.int64)
        genuine = int((sizes * (sizes - 1) // 2).sum())
    else:
        total = left * len(tiling.right.codes)
        genuine = sum((b - a) * (d - c) for a, b, c, d in tiling._identities())
    if genuine == 0:
        raise ProtocolError(
            f"no identity has a genuine pair among {left} embeddings; expected two images of one identity"
        )
    if genuine == total:
        raise ProtocolError(f"all {total} pairs are genuine: one identity only; expected at least two")
    return genuine, total - genuine
