"""Task kind ``all-pairs``: every pair of the chosen images."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.fairness import fairness_of_all_pairs
from facezoo.evaluation.pairwise.all_pairs import all_pairs
from facezoo.evaluation.protocols.result import TaskResult
from facezoo.evaluation.protocols.tasks.base import Rates, Task, TaskSettings, Where
from facezoo.evaluation.protocols.tasks.figures import all_pairs_figures, group_figures


class AllPairsTask(Task):
    """All pairs of the images chosen by ``where``, or all pairs of them with those chosen by ``against``."""

    bulk: ClassVar[bool] = True

    kind: Literal["all-pairs"]
    where: Where = Field(default={})
    against: Where | None = None
    far: Rates
    group: str | None = None
    group_fmr: float = Field(default=1e-5, gt=0, le=1)

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """TAR, EER and AUC, and figures per group if the task names a column of groups."""
        store = self.with_columns(store)
        chosen = store.choose(self.where)
        labels = store.column("label")
        against = None
        if self.against is not None:
            others = store.choose(self.against)
            against = (store.embeddings[others], labels[others])
        rows = store.embeddings if chosen.all() else store.embeddings[chosen]
        result = all_pairs(
            rows,
            labels[chosen],
            self.far,
            against=against,
            confidence=settings.confidence,
            engine=settings.engine,
            keep_parts=None if settings.keep_parts is None else settings.keep_parts / self.name,
            on_progress=settings.on_progress,
        )
        figures, detail, notes = all_pairs_figures(result), result.to_dict(), list(result.notes)
        if self.group is not None:
            fair = fairness_of_all_pairs(
                rows, labels[chosen], store.column(self.group)[chosen], self.group_fmr, confidence=settings.confidence
            )
            detail["groups"] = fair.to_dict()
            figures += group_figures(fair.to_dict())
            notes += fair.notes
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail=detail,
            notes=tuple(notes),
            roc=result.roc,
            histogram=result.histogram,
            identities=result.by_identity(),
        )
