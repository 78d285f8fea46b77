"""Rows of a result's table that several kinds of tasks share."""

from __future__ import annotations

from typing import Any

import numpy as np

from facezoo.evaluation.metrics.search import IdentificationResult
from facezoo.evaluation.pairwise.result import AllPairsResult
from facezoo.evaluation.protocols.result import Figure


def all_pairs_figures(result: AllPairsResult) -> list[Figure]:
    """TAR at each FAR, EER and AUC."""
    figures = [Figure(f"TAR at FAR {far:g}", tar, *result.interval[far]) for far, tar in result.tar.items()]
    figures.append(Figure("EER", result.eer, *result.eer_interval))
    return [*figures, Figure("AUC", result.auc, *result.auc_interval, percent=False)]


def search_figures(result: IdentificationResult) -> list[Figure]:
    """Rank-k for each k, then TPIR at each FPIR."""
    figures = [Figure(f"rank-{k}", value, *result.rank_interval[k]) for k, value in result.rank.items()]
    for rate, value in result.tpir.items():
        figures.append(Figure(f"TPIR at FPIR {rate:g}", value, *result.tpir_interval[rate]))
    return figures


def group_figures(fair: dict[str, Any]) -> list[Figure]:
    """FMR and FNMR of each group, then the worst ratio and the spread of both, from a fairness result's ``to_dict``."""
    figures = []
    for name, group in fair["groups"].items():
        for kind in ("fmr", "fnmr"):
            figures.append(Figure(f"{name}: {kind.upper()}", group[kind], *group[f"{kind}_interval"]))
    for kind in ("fmr", "fnmr"):
        figures.append(Figure(f"worst {kind.upper()} ratio", fair[f"{kind}_ratio"], percent=False))
        figures.append(Figure(f"{kind.upper()} spread", fair[f"{kind}_spread"]))
    return figures


def score_histogram(scores: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left edges, genuine counts, impostor counts) of 80 bins over the range of the scores."""
    edges = np.linspace(float(scores.min()), float(scores.max()) + 1e-9, 81)
    return edges[:-1], np.histogram(scores[same], edges)[0], np.histogram(scores[~same], edges)[0]
