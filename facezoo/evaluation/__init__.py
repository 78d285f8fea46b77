"""Evaluation that knows no framework: scores and embeddings in, figures with their uncertainty out."""

from __future__ import annotations

from facezoo.evaluation.all_pairs_part import AllPairsPart
from facezoo.evaluation.all_pairs_result import AllPairsResult
from facezoo.evaluation.checks import normalise
from facezoo.evaluation.embed import embed_images, pair_scores
from facezoo.evaluation.intervals import clopper_pearson, wilson
from facezoo.evaluation.pairs import PairList, read_pairs
from facezoo.evaluation.pairwise import all_pairs, all_pairs_part, merge_all_pairs
from facezoo.evaluation.roc import Roc, threshold_at_far
from facezoo.evaluation.ten_fold import VerificationResult, best_threshold, verification

__all__ = [
    "verification",
    "VerificationResult",
    "best_threshold",
    "all_pairs",
    "all_pairs_part",
    "merge_all_pairs",
    "AllPairsResult",
    "AllPairsPart",
    "embed_images",
    "pair_scores",
    "read_pairs",
    "PairList",
    "Roc",
    "threshold_at_far",
    "normalise",
    "wilson",
    "clopper_pearson",
]
