"""Identification: probes searched in a gallery, with and without a mate in it.

The rates are those of Grother, Ngan and Hanaoka, "Face Recognition Vendor Test, part 2: identification".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.scores.checks import allowed, check_far, encode_labels
from facezoo.evaluation.scores.products import cosines
from facezoo.evaluation.scores.roc import threshold_at_far
from facezoo.evaluation.statistics.bootstrap import share_interval
from facezoo.inference.embeddings import normalise


@dataclass(frozen=True)
class IdentificationResult:
    """The result of searching probes in a gallery. Rates are 0..1.

    Attributes:
        rank: k -> share of mated probes whose subject is among the k highest scores (the CMC at k).
        rank_interval: k -> its interval, from a bootstrap of the probes' subjects with the gallery held fixed, and at
            least as wide as Wilson's.
        tpir_interval: FPIR -> its interval, from the same bootstrap; the threshold is held fixed.
        tpir: FPIR -> share of mated probes found at rank 1 with score >= threshold; NaN where not supported.
        threshold: FPIR -> the smallest threshold t with a rate of score >= t at or below it.
        mated: number of probes with a mate in the gallery.
        non_mated: number of probes without a mate.
        subjects: number of subjects in the gallery.
        ranks: int64 (mated,), the rank of each mated probe; a tie counts against it.
        mate_scores: float32 (mated,), highest score with the own subject.
        top_scores: float32 (non_mated,), highest score of each probe without a mate.
        notes: which figures are not given, and why.
    """

    rank: dict[int, float]
    rank_interval: dict[int, tuple[float, float]]
    tpir: dict[float, float]
    tpir_interval: dict[float, tuple[float, float]]
    threshold: dict[float, float]
    mated: int
    non_mated: int
    subjects: int
    ranks: np.ndarray = field(repr=False)
    mate_scores: np.ndarray = field(repr=False)
    top_scores: np.ndarray = field(repr=False)
    notes: tuple[str, ...] = ()

    def cmc(self, size: int | None = None) -> np.ndarray:
        """Share of mated probes found at rank 1, 2, .. size: float64 (size,)."""
        depth = size or int(self.ranks.max(initial=1))
        hits = np.bincount(np.minimum(self.ranks, depth + 1), minlength=depth + 2)[1 : depth + 1]
        return np.cumsum(hits) / max(1, self.mated)

    def det(self) -> tuple[np.ndarray, np.ndarray]:
        """Open-set DET: (FPIR, FNIR) at every score of a probe without a mate, FPIR ascending."""
        limits = np.unique(self.top_scores)[::-1]
        hits = np.sort(self.mate_scores[self.ranks == 1])
        found = len(hits) - np.searchsorted(hits, limits, side="left")
        false = len(self.top_scores) - np.searchsorted(np.sort(self.top_scores), limits, side="left")
        return false / max(1, self.non_mated), 1.0 - found / max(1, self.mated)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the values per probe."""
        return {
            "mated": self.mated,
            "non_mated": self.non_mated,
            "subjects": self.subjects,
            "rank": {str(k): value for k, value in self.rank.items()},
            "rank_interval": {str(k): list(ends) for k, ends in self.rank_interval.items()},
            "tpir": {f"{rate:g}": value for rate, value in self.tpir.items()},
            "tpir_interval": {f"{rate:g}": list(ends) for rate, ends in self.tpir_interval.items()},
            "threshold": {f"{rate:g}": value for rate, value in self.threshold.items()},
            "notes": list(self.notes),
        }


def identification(
    probes: np.ndarray,
    probe_subjects: Sequence[object] | np.ndarray,
    gallery: np.ndarray,
    gallery_subjects: Sequence[object] | np.ndarray,
    *,
    ranks: Sequence[int] = (1, 5, 10),
    fpir: Sequence[float] = (0.1, 0.01),
    block: int = 1024,
    confidence: float = 0.95,
) -> IdentificationResult:
    """Search every probe in the gallery. The score of a subject is that of its best gallery entry.

    Args:
        probes: (P, E), any length.
        probe_subjects: the subject of each probe (P,); a probe whose subject is not in the gallery has no mate.
        gallery: (G, E).
        gallery_subjects: the subject of each entry (G,); a subject may have several entries.
        ranks: k for the rank-k rates, 1 or more.
        fpir: wanted false-positive identification rates in (0, 1].
        block: number of probes searched at once.
        confidence: of the intervals.

    Raises:
        ShapeError, NumericalError: arrays do not fit, or hold NaN, infinity or a zero row.
        ProtocolError: no probe has a mate in the gallery.
    """
    if any(k < 1 for k in ranks):
        raise ProtocolError(f"ranks are {tuple(ranks)}; expected 1 or more")
    one, two = np.asarray(probe_subjects), np.asarray(gallery_subjects)
    encode_labels(one, len(probes), what="probe subjects")
    encode_labels(two, len(gallery), what="gallery subjects")
    codes = encode_labels(np.concatenate([one, two]), len(one) + len(two))
    order = np.argsort(codes[len(one) :], kind="stable")
    subjects, starts = np.unique(codes[len(one) :][order], return_index=True)
    entries = normalise(gallery, what="gallery")[order]
    searched = normalise(probes, what="probes")
    column = np.searchsorted(subjects, codes[: len(one)])
    mated = np.isin(codes[: len(one)], subjects)
    if not mated.any():
        raise ProtocolError(f"none of {len(one)} probes has a mate among {len(subjects)} gallery subjects")
    best = np.empty(len(one), np.float32)
    rank = np.zeros(len(one), np.int64)
    for start in range(0, len(one), block):
        rows = slice(start, start + block)
        scores = np.maximum.reduceat(cosines(searched[rows], entries), starts, axis=1)  # (block, subjects)
        has = mated[rows]
        best[rows] = scores.max(axis=1)
        own = scores[has, column[rows][has]]
        best[rows][has] = own
        rank[rows][has] = np.count_nonzero(scores[has] >= own[:, None], axis=1)
    people = np.unique(column[mated], return_inverse=True)[1]
    return _result(
        rank[mated], best[mated], best[~mated], people, len(subjects), tuple(ranks), check_far(fpir), confidence
    )


def _result(
    found: np.ndarray,
    own: np.ndarray,
    top: np.ndarray,
    people: np.ndarray,
    subjects: int,
    ranks: tuple[int, ...],
    rates: tuple[float, ...],
    confidence: float,
) -> IdentificationResult:
    tpir, tpir_interval, threshold, notes = {}, {}, {}, []
    totals = np.bincount(people)

    def interval(hits: np.ndarray) -> tuple[float, float]:
        return share_interval(np.bincount(people, weights=hits), totals, confidence)

    for rate in rates:
        if allowed(rate, len(top)) < 1:
            tpir[rate] = threshold[rate] = float("nan")
            tpir_interval[rate] = (float("nan"), float("nan"))
            needed = int(np.ceil(1 / rate - 1e-9))
            notes.append(f"FPIR {rate:g} needs {needed:,} probes without a mate; there are {len(top):,}: not given")
            continue
        threshold[rate] = threshold_at_far(top, rate)
        hits = (found == 1) & (own >= np.float32(threshold[rate]))
        tpir[rate], tpir_interval[rate] = float(np.mean(hits)), interval(hits)
    return IdentificationResult(
        rank={k: int((found <= k).sum()) / len(found) for k in ranks},
        rank_interval={k: interval(found <= k) for k in ranks},
        tpir=tpir,
        tpir_interval=tpir_interval,
        threshold=threshold,
        mated=len(found),
        non_mated=len(top),
        subjects=subjects,
        ranks=found,
        mate_scores=own,
        top_scores=top,
        notes=tuple(notes),
    )


def pick_gallery(labels: Sequence[object] | np.ndarray, shots: int, seed: int = 0) -> np.ndarray:
    """Low-shot split: draw ``shots`` rows per identity for the gallery, bool (N,); the other rows are probes.

    Identities with at most ``shots`` rows have no probe.

    Args:
        labels: (N,).
        shots: 1 or more.
        seed: the same seed draws the same rows.
    """
    from facezoo.rng import generator

    if shots < 1:
        raise ProtocolError(f"shots is {shots}; expected 1 or more")
    codes = encode_labels(labels, len(np.asarray(labels)))
    noise = generator(seed, "low-shot", len(codes), shots).random(len(codes))
    order = np.lexsort((noise, codes))
    _, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    position = np.arange(len(codes)) - np.repeat(starts, counts)
    chosen = np.zeros(len(codes), bool)
    chosen[order[position < shots]] = True
    return chosen
