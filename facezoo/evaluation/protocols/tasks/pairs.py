"""Task kind ``pairs``: verification of listed pairs in folds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.pairs import PairList
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.fairness import fairness_of_pairs
from facezoo.evaluation.metrics.ten_fold import VerificationResult, fold_numbers, verification
from facezoo.evaluation.protocols.result import Figure, PairRecord, TaskResult
from facezoo.evaluation.protocols.tasks.base import Rates, TaskSettings
from facezoo.evaluation.protocols.tasks.figures import group_figures, score_histogram
from facezoo.evaluation.protocols.tasks.pair_list import PairListTask
from facezoo.evaluation.scores.pair_scores import pair_scores
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.bootstrap import bootstrap_subjects
from facezoo.evaluation.statistics.intervals import wilson
from facezoo.evaluation.statistics.weighted import WeightedCurve

MAX_BOOTSTRAPPED = 200_000  # pairs; with more, the intervals treat pairs as independent


class PairsTask(PairListTask):
    """Verification of listed pairs in folds."""

    pairs_in_order: ClassVar[bool] = True

    kind: Literal["pairs"]
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    folds: int | None = Field(default=None, ge=2)
    rule: Literal["exact", "insightface"] = "exact"
    far: Rates = Field(default=[1e-3])
    group: str | None = None
    group_fmr: float = Field(default=1e-3, gt=0, le=1)

    def read_pair_list(self, lists: Path) -> PairList:
        """The list of pairs, checked against the protocol's hash.

        Raises:
            DataError: the file cannot be read.
            ProtocolError: its lines have another layout, or its hash differs.
        """
        pairs = super().read_pair_list(lists)
        if self.sha256 is not None and pairs.sha256 != self.sha256:
            raise ProtocolError(
                f"{lists / self.pairs} has SHA-256 {pairs.sha256[:16]}..; the protocol's list has {self.sha256[:16]}.. "
                "(copy the protocol and change or remove sha256 for a list of your own)"
            )
        return pairs

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """Figures of the list, or of the pairs (2i, 2i + 1) of embeddings that carry ``same``."""
        store = self.with_columns(store)
        if store.same is not None:
            return self._run_in_order(store, store.same, settings.confidence)
        pairs = self.read_pair_list(settings.lists)
        rows = store.rows_of(pairs.images())
        first, second = pairs.indices()
        scores = pair_scores(store.embeddings, rows[first], rows[second])
        folds = pairs.folds if self.folds is None else fold_numbers(self.folds, len(pairs))
        group = None if self.group is None else store.column(self.group)[rows[first]]
        return self.result_of_scores(scores, pairs.same, folds, pairs, settings.confidence, group)

    def _run_in_order(self, store: EmbeddingSet, same: np.ndarray, confidence: float) -> TaskResult:
        if len(store) != 2 * len(same):
            raise ProtocolError(f"{len(store)} embeddings for {len(same)} pairs; expected two per pair")
        rows = np.arange(len(store))
        scores = pair_scores(store.embeddings, rows[::2], rows[1::2])
        return self.result_of_scores(scores, same, fold_numbers(self.folds or 10, len(same)), None, confidence)

    def result_of_scores(
        self,
        scores: np.ndarray,
        same: np.ndarray,
        folds: np.ndarray,
        pairs: PairList | None,
        confidence: float,
        group: np.ndarray | None = None,
    ) -> TaskResult:
        """Figures of pairs whose scores are known.

        Args:
            scores: (n,), higher is more similar.
            same: bool (n,), True for a genuine pair.
            folds: int (n,), the fold of each pair.
            pairs: the list; None if there are no names.
            confidence: of the intervals.
            group: (n,), for figures per group.
        """
        result = verification(scores, same, folds, rule=self.rule, far=self.far, confidence=confidence)
        notes = list(result.notes)
        if pairs is None or len(pairs) > MAX_BOOTSTRAPPED:
            figures = _independent(result, confidence)
            reason = "there is no list that names the people" if pairs is None else f"more than {MAX_BOOTSTRAPPED:,}"
            notes.append(f"intervals treat pairs as independent: {reason}")
        else:
            figures = _by_people(result, scores, same, pairs, confidence)
        detail = result.to_dict()
        if group is not None:
            fair = fairness_of_pairs(scores, same, group, self.group_fmr, confidence=confidence)
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
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail=detail,
            notes=tuple(notes),
            roc=Roc.from_scores(scores, same),
            histogram=score_histogram(scores, np.asarray(same, bool)),
            pairs=record,
            lists={self.pairs: pairs.sha256} if pairs else {},
        )


def _independent(result: VerificationResult, confidence: float) -> list[Figure]:
    """Intervals of independent pairs."""
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

    def accuracy(weights: np.ndarray) -> float:
        return float(weights @ result.correct / weights.sum()) if weights.any() else float("nan")

    def ends(statistic: Callable[[np.ndarray], float]) -> tuple[float, float]:
        return bootstrap_subjects(statistic, *people, rounds=400, confidence=confidence)

    figures = [Figure("accuracy", result.accuracy, *ends(accuracy)), Figure("standard error", result.standard_error)]
    for far, tar in result.tar.items():
        interval = (np.nan, np.nan) if np.isnan(tar) else ends(partial(curve.tar, far=far))
        figures.append(Figure(f"TAR at FAR {far:g}", tar, *interval))
    figures.append(Figure("EER", result.eer, *ends(curve.eer)))
    return [*figures, Figure("AUC", result.auc, *ends(curve.auc), percent=False)]
