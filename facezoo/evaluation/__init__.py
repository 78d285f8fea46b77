"""Evaluation that knows no framework: scores and embeddings in, figures with their uncertainty out."""

from __future__ import annotations

from facezoo.evaluation.checks import normalise
from facezoo.evaluation.intervals import clopper_pearson, wilson
from facezoo.evaluation.roc import Roc, threshold_at_far
from facezoo.evaluation.ten_fold import VerificationResult, best_threshold, verification

__all__ = [
    "verification",
    "VerificationResult",
    "best_threshold",
    "Roc",
    "threshold_at_far",
    "normalise",
    "wilson",
    "clopper_pearson",
]
