"""Evaluation of scores and embeddings, with confidence intervals. No framework is imported."""

from __future__ import annotations

from facezoo.evaluation.inputs.pairs import PairList, read_pairs
from facezoo.evaluation.inputs.store import EmbeddingSet, load_embeddings
from facezoo.evaluation.metrics.compare import Comparison, compare_decisions, compare_tar, compare_verification, mcnemar
from facezoo.evaluation.metrics.distractors import identification_with_distractors
from facezoo.evaluation.metrics.fairness import fairness_of_all_pairs, fairness_of_pairs
from facezoo.evaluation.metrics.quality import error_versus_reject, pair_quality
from facezoo.evaluation.metrics.search import IdentificationResult, identification, pick_gallery
from facezoo.evaluation.metrics.templates import pool_templates
from facezoo.evaluation.metrics.ten_fold import VerificationResult, best_threshold, verification
from facezoo.evaluation.metrics.video import clean_frames, pool_frames, pool_videos
from facezoo.evaluation.pairwise.all_pairs import all_pairs, all_pairs_part, merge_all_pairs
from facezoo.evaluation.pairwise.part import AllPairsPart
from facezoo.evaluation.pairwise.result import AllPairsResult
from facezoo.evaluation.protocols.protocol import Protocol, list_protocols, load_protocol
from facezoo.evaluation.protocols.run import run_protocol
from facezoo.evaluation.scores.pair_scores import pair_scores
from facezoo.evaluation.scores.roc import Roc, threshold_at_far
from facezoo.evaluation.statistics.bootstrap import bootstrap_rate, bootstrap_subjects
from facezoo.evaluation.statistics.calibration import Calibration, calibrate, operating_point
from facezoo.evaluation.statistics.intervals import clopper_pearson, wilson
from facezoo.evaluation.statistics.probability import fit_isotonic, fit_logistic
from facezoo.inference.embed import embed_images
from facezoo.inference.embeddings import normalise

__all__ = [
    "verification",
    "VerificationResult",
    "best_threshold",
    "all_pairs",
    "all_pairs_part",
    "merge_all_pairs",
    "AllPairsResult",
    "AllPairsPart",
    "Roc",
    "threshold_at_far",
    "identification",
    "IdentificationResult",
    "identification_with_distractors",
    "pick_gallery",
    "pool_templates",
    "clean_frames",
    "pool_frames",
    "pool_videos",
    "error_versus_reject",
    "pair_quality",
    "fairness_of_pairs",
    "fairness_of_all_pairs",
    "wilson",
    "clopper_pearson",
    "bootstrap_rate",
    "bootstrap_subjects",
    "Comparison",
    "compare_decisions",
    "compare_tar",
    "compare_verification",
    "mcnemar",
    "Calibration",
    "calibrate",
    "operating_point",
    "fit_logistic",
    "fit_isotonic",
    "embed_images",
    "pair_scores",
    "normalise",
    "read_pairs",
    "PairList",
    "EmbeddingSet",
    "load_embeddings",
    "Protocol",
    "list_protocols",
    "load_protocol",
    "run_protocol",
]
