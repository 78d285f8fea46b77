"""Task kind ``search``: probe images searched in a gallery of images (1:N)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.search import identification, pick_gallery
from facezoo.evaluation.protocols.result import TaskResult
from facezoo.evaluation.protocols.tasks.base import Ranks, Rates, Task, TaskSettings, Where
from facezoo.evaluation.protocols.tasks.figures import search_figures

CMC_RANKS = 100  # ranks of the CMC curve


class SearchTask(Task):
    """Images chosen by ``probes`` searched among those chosen by ``gallery``, or in ``shots`` images per person."""

    kind: Literal["search"]
    gallery: Where | None = None
    probes: Where | None = None
    shots: int | None = Field(default=None, ge=1)
    ranks: Ranks = Field(default=[1, 5, 10])
    fpir: Rates = Field(default=[0.1, 0.01])

    @model_validator(mode="after")
    def _one_gallery(self) -> SearchTask:
        if (self.shots is None) == (self.gallery is None or self.probes is None):
            raise ValueError("give either shots, or both gallery and probes")
        return self

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """Rank-k and TPIR."""
        store = self.with_columns(store)
        labels = store.column("label")
        if self.shots is not None:
            gallery = pick_gallery(labels, self.shots)
            probes = ~gallery
        else:
            gallery, probes = store.choose(self.gallery), store.choose(self.probes)
        result = identification(
            store.embeddings[probes],
            labels[probes],
            store.embeddings[gallery],
            labels[gallery],
            ranks=self.ranks,
            fpir=self.fpir,
            confidence=settings.confidence,
        )
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=search_figures(result),
            detail=result.to_dict(),
            notes=result.notes,
            cmc=result.cmc(min(CMC_RANKS, result.subjects)),
        )
