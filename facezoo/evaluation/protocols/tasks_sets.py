"""Tasks on sets of images: all pairs, videos, searches, distractors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.distractors import identification_with_distractors
from facezoo.evaluation.metrics.fairness import fairness_of_all_pairs
from facezoo.evaluation.metrics.search import IdentificationResult, identification, pick_gallery
from facezoo.evaluation.metrics.video import pool_videos
from facezoo.evaluation.pairwise.all_pairs import all_pairs
from facezoo.evaluation.pairwise.result import AllPairsResult
from facezoo.evaluation.protocols.protocol import AllPairsTask, DistractorsTask, SearchTask, VideosTask
from facezoo.evaluation.protocols.result import Figure, TaskOutcome
from facezoo.evaluation.protocols.tasks_pairs import group_figures
from facezoo.evaluation.scores.checks import encode_labels
from facezoo.evaluation.statistics.bootstrap import bootstrap_rate
from facezoo.evaluation.statistics.intervals import wilson

Progress = Callable[[int, int], None] | None


def _all_pairs_figures(result: AllPairsResult) -> list[Figure]:
    figures = [Figure(f"TAR at FAR {far:g}", tar, *result.interval[far]) for far, tar in result.tar.items()]
    figures.append(Figure("EER", result.eer, *result.eer_interval))
    return [*figures, Figure("AUC", result.auc, *result.auc_interval, percent=False)]


def run_all_pairs(task: AllPairsTask, store: EmbeddingSet, confidence: float, progress: Progress) -> TaskOutcome:
    """All pairs of chosen rows, or of them with others."""
    chosen = store.choose(task.where)
    labels = store.column("label")
    against = None
    if task.against is not None:
        others = store.choose(task.against)
        against = (store.embeddings[others], labels[others])
    rows = store.embeddings if chosen.all() else store.embeddings[chosen]
    result = all_pairs(rows, labels[chosen], task.far, against=against, confidence=confidence, progress=progress)
    figures, detail, notes = _all_pairs_figures(result), result.to_dict(), list(result.notes)
    if task.group is not None:
        fair = fairness_of_all_pairs(
            rows, labels[chosen], store.column(task.group)[chosen], task.group_fmr, confidence=confidence
        )
        detail["groups"] = fair.to_dict()
        figures += group_figures(fair.to_dict())
        notes += fair.notes
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=figures,
        detail=detail,
        notes=tuple(notes),
        roc=result.roc,
        histogram=result.histogram,
        identities=result.by_identity(),
    )


def run_videos(task: VideosTask, store: EmbeddingSet, confidence: float, progress: Progress) -> TaskOutcome:
    """Frames to videos, then all pairs of videos."""
    videos = store.column("video")
    quality = store.column("quality").astype(np.float64) if task.pooling == "quality" else None
    names, rows, kept = pool_videos(
        store.embeddings, videos, threshold=task.threshold, how=task.pooling, quality=quality
    )
    first = np.unique(videos, return_index=True)[1]
    result = all_pairs(rows, store.column("label")[first], task.far, confidence=confidence, progress=progress)
    detail = {"videos": len(names), "frames": len(kept), "frames_kept": int(kept.sum()), **result.to_dict()}
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=_all_pairs_figures(result),
        detail=detail,
        notes=(f"{len(kept) - int(kept.sum())} of {len(kept)} frames left out", *result.notes),
        roc=result.roc,
        histogram=result.histogram,
        identities=result.by_identity(),
    )


def search_figures(result: IdentificationResult, confidence: float) -> list[Figure]:
    """Rows of a table for a search."""
    figures = [Figure(f"rank-{k}", value, *result.rank_interval[k]) for k, value in result.rank.items()]
    for rate, value in result.tpir.items():
        given = (np.nan, np.nan) if np.isnan(value) else wilson(round(value * result.mated), result.mated, confidence)
        figures.append(Figure(f"TPIR at FPIR {rate:g}", value, *given))
    return figures


def run_search(task: SearchTask, store: EmbeddingSet, confidence: float) -> TaskOutcome:
    """Chosen probes in a chosen gallery, or in one drawn from all."""
    labels = store.column("label")
    if task.shots is not None:
        gallery = pick_gallery(labels, task.shots)
        probes = ~gallery
    else:
        gallery, probes = store.choose(task.gallery), store.choose(task.probes)
    result = identification(
        store.embeddings[probes],
        labels[probes],
        store.embeddings[gallery],
        labels[gallery],
        ranks=task.ranks,
        fpir=task.fpir,
    )
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=search_figures(result, confidence),
        detail=result.to_dict(),
        notes=result.notes,
        cmc=result.cmc(min(100, result.subjects)),
    )


def run_distractors(task: DistractorsTask, store: EmbeddingSet, confidence: float) -> TaskOutcome:
    """Mates among growing numbers of distractors; sizes beyond those given are left out, and said."""
    probes, others = store.choose(task.probes), store.choose(task.distractors)
    given = int(others.sum())
    sizes = [size for size in task.sizes if size <= given] or [given]
    left_out = [size for size in task.sizes if size > given]
    labels = store.column("label")[probes]
    result = identification_with_distractors(
        store.embeddings[probes], labels, store.embeddings[others], sizes, ranks=task.ranks
    )
    figures = []
    codes = encode_labels(labels, len(labels))
    counts = np.bincount(codes)
    owner = np.repeat(codes, counts[codes] - 1)  # the identity of each trial: probes stand in order
    totals = np.bincount(owner, minlength=len(counts))
    for size in reversed(sizes):
        for k in task.ranks:
            hits = np.bincount(owner, weights=result.ranks[size] <= k, minlength=len(counts))
            ends = bootstrap_rate(hits, totals, confidence=confidence)
            figures.append(Figure(f"rank-{k} among {size:,}", result.rank[size][k], *ends))
    notes = [f"{size:,} distractors wanted; there are {given:,}: not given" for size in left_out]
    cmc = np.array([float(np.mean(result.ranks[sizes[-1]] <= k)) for k in range(1, 101)])
    return TaskOutcome(
        name=task.name, kind=task.kind, figures=figures, detail=result.to_dict(), notes=tuple(notes), cmc=cmc
    )
