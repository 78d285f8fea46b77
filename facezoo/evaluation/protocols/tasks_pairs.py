"""Tasks on listed pairs: verification in folds, and error-versus-reject."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.pairs import PairList, read_pairs
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.fairness import fairness_of_pairs
from facezoo.evaluation.metrics.quality import error_versus_reject, pair_quality
from facezoo.evaluation.metrics.ten_fold import VerificationResult, fold_numbers, verification
from facezoo.evaluation.protocols.protocol import PairsTask, RejectTask
from facezoo.evaluation.protocols.result import Figure, PairRecord, TaskOutcome
from facezoo.evaluation.scores.pair_scores import pair_scores
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import bootstrap_subjects
from facezoo.evaluation.statistics.weighted import WeightedCurve

MOST_BOOTSTRAPPED = 200_000  # pairs; beyond, intervals take pairs as independent


def read_task_pairs(task: PairsTask | RejectTask, lists: Path) -> PairList:
    """The task's list, checked against its hash.

    Raises:
        ProtocolError: the list is another than the protocol names.
    """
    pairs = read_pairs(lists / task.pairs, task.layout)
    wanted = task.sha256 if isinstance(task, PairsTask) else None
    if wanted is not None and pairs.sha256 != wanted:
        raise ProtocolError(
            f"{lists / task.pairs} has SHA-256 {pairs.sha256[:16]}..; the protocol's list has {wanted[:16]}.. "
            "(copy the protocol and change or drop sha256 for a list of your own)"
        )
    return pairs


def score_histogram(scores: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(edges, genuine, impostor) in 80 bins over the scores' range."""
    edges = np.linspace(float(scores.min()), float(scores.max()) + 1e-9, 81)
    return edges[:-1], np.histogram(scores[same], edges)[0], np.histogram(scores[~same], edges)[0]


def run_pairs_in_order(task: PairsTask, store: EmbeddingSet, same: np.ndarray, confidence: float) -> TaskOutcome:
    """Rows 2i and 2i + 1 are pair i, as in a ``.bin``.

    Raises:
        ProtocolError: not two embeddings a pair.
    """
    if len(store) != 2 * len(same):
        raise ProtocolError(f"{len(store)} embeddings for {len(same)} pairs; expected two for each")
    rows = np.arange(len(store))
    scores = pair_scores(store.embeddings, rows[::2], rows[1::2])
    folds = fold_numbers(task.folds or 10, len(same))
    return outcome_of_scores(task, scores, same, folds, None, confidence)


def run_pairs(task: PairsTask, store: EmbeddingSet, lists: Path, confidence: float) -> TaskOutcome:
    """Verification of a list.

    Raises:
        ProtocolError: list and embeddings do not match.
    """
    pairs = read_task_pairs(task, lists)
    rows = store.rows_of(pairs.images())
    first, second = pairs.indices()
    scores = pair_scores(store.embeddings, rows[first], rows[second])
    folds = pairs.folds if task.folds is None else fold_numbers(task.folds, len(pairs))
    group = None if task.group is None else store.column(task.group)[rows[first]]
    return outcome_of_scores(task, scores, pairs.same, folds, pairs, confidence, group)


def outcome_of_scores(
    task: PairsTask,
    scores: np.ndarray,
    same: np.ndarray,
    folds: np.ndarray,
    pairs: PairList | None,
    confidence: float,
    group: np.ndarray | None = None,
) -> TaskOutcome:
    """Figures of a list whose scores are known."""
    result = verification(scores, same, folds, rule=task.rule, far=task.far, confidence=confidence)
    roc = Roc.from_scores(scores, same)
    notes = list(result.notes)
    if pairs is None or len(pairs) > MOST_BOOTSTRAPPED:
        figures = _independent(result, confidence)
        notes.append("intervals take pairs as independent: the list does not say who is on them")
    else:
        figures = _by_people(result, scores, same, pairs, confidence)
    detail = result.to_dict()
    if group is not None:
        fair = fairness_of_pairs(scores, same, group, task.group_fmr, confidence=confidence)
        detail["groups"] = fair.to_dict()
        figures += group_figures(fair.to_dict())
        notes += fair.notes
    numbers = fold_numbers(folds, len(scores))
    record = PairRecord(
        scores=scores,
        same=np.asarray(same, bool),
        folds=numbers,
        first=pairs.first if pairs else None,
        second=pairs.second if pairs else None,
        correct=result.correct,
        threshold=result.thresholds[numbers],
    )
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=figures,
        detail=detail,
        notes=tuple(notes),
        roc=roc,
        histogram=score_histogram(scores, np.asarray(same, bool)),
        pairs=record,
        lists={task.pairs: pairs.sha256} if pairs else {},
    )


def _independent(result: VerificationResult, confidence: float) -> list[Figure]:
    from facezoo.evaluation.statistics.intervals import wilson

    figures = [Figure("accuracy", result.accuracy, *result.interval)]
    figures.append(Figure("standard error", result.standard_error))
    for far, tar in result.tar.items():
        ends = (tar, tar) if np.isnan(tar) else wilson(round(tar * result.genuine), result.genuine, confidence)
        figures.append(Figure(f"TAR at FAR {far:g}", tar, *ends))
    return [*figures, Figure("EER", result.eer), Figure("AUC", result.auc, percent=False)]


def _by_people(
    result: VerificationResult, scores: np.ndarray, same: np.ndarray, pairs: PairList, confidence: float
) -> list[Figure]:
    """Intervals from a bootstrap of the people on the pairs."""
    people = pairs.identities()
    curve = WeightedCurve(scores, same)

    def share(weights: np.ndarray) -> float:
        return float(weights @ result.correct / weights.sum()) if weights.any() else float("nan")

    def ends(statistic: object) -> tuple[float, float]:
        return bootstrap_subjects(statistic, *people, rounds=400, confidence=confidence)  # type: ignore[arg-type]

    figures = [Figure("accuracy", result.accuracy, *ends(share)), Figure("standard error", result.standard_error)]
    for far, tar in result.tar.items():
        given = (float("nan"),) * 2 if np.isnan(tar) else ends(lambda weights, far=far: curve.tar(weights, far))
        figures.append(Figure(f"TAR at FAR {far:g}", tar, *given))
    figures.append(Figure("EER", result.eer, *ends(curve.eer)))
    return [*figures, Figure("AUC", result.auc, *ends(curve.auc), percent=False)]


def group_figures(fair: dict) -> list[Figure]:
    """Rows of a table for a fairness result."""
    figures = []
    for name, group in fair["groups"].items():
        for kind in ("fmr", "fnmr"):
            figures.append(Figure(f"{name}: {kind.upper()}", group[kind], *group[f"{kind}_interval"]))
    for kind in ("fmr", "fnmr"):
        figures.append(Figure(f"worst {kind.upper()} ratio", fair[f"{kind}_ratio"], percent=False))
        figures.append(Figure(f"{kind.upper()} spread", fair[f"{kind}_spread"]))
    return figures


def run_reject(task: RejectTask, store: EmbeddingSet, lists: Path, confidence: float) -> TaskOutcome:
    """Error-versus-reject on a list.

    Raises:
        ProtocolError: list and embeddings do not match, or the list cannot show the FMR.
    """
    pairs = read_task_pairs(task, lists)
    rows = store.rows_of(pairs.images())
    first, second = pairs.indices()
    scores = pair_scores(store.embeddings, rows[first], rows[second])
    if task.quality == "norm" and "norm" not in store.columns:
        quality = np.linalg.norm(store.embeddings.astype(np.float64), axis=1)
    else:
        quality = store.column(task.quality).astype(np.float64)
    worth = pair_quality(quality[rows[first]], quality[rows[second]])
    shares = np.linspace(0, task.most, 96)
    curve = error_versus_reject(scores, pairs.same, worth, fmr=task.fmr, reject=shares)
    at = {share: float(np.interp(share, curve.reject, curve.fnmr)) for share in (0.1, 0.2, 0.3) if share <= task.most}
    figures = [Figure("area under error-versus-reject", curve.area), Figure("FNMR of all pairs", curve.random)]
    figures += [Figure(f"FNMR, worst {share:.0%} rejected", value) for share, value in at.items()]
    detail = {
        "quality": task.quality,
        "fmr": task.fmr,
        "threshold": curve.threshold,
        "area": curve.area,
        "reject": curve.reject.tolist(),
        "fnmr": curve.fnmr.tolist(),
    }
    notes = ("every quality is the same: nothing to reject by",) if np.ptp(worth) < 1e-6 else ()
    return TaskOutcome(
        name=task.name, kind=task.kind, figures=figures, detail=detail, notes=notes, lists={task.pairs: pairs.sha256}
    )
