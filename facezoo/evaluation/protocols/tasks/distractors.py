"""Task kind ``distractors``: identification among growing numbers of distractors, as in MegaFace."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.distractors import identification_with_distractors
from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.protocols.tasks.base import Ranks, Task, TaskSettings, Where
from facezoo.evaluation.protocols.tasks.search import CMC_RANKS
from facezoo.evaluation.scores.checks import encode_labels
from facezoo.evaluation.statistics.bootstrap import bootstrap_rate


class DistractorsTask(Task):
    """Images chosen by ``probes`` among growing numbers of those chosen by ``distractors``."""

    kind: Literal["distractors"]
    probes: Where
    distractors: Where
    sizes: list[Annotated[int, Field(ge=1)]] = Field(default=[10, 100, 1_000, 10_000, 100_000, 1_000_000])
    ranks: Ranks = Field(default=[1, 5, 10])

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """Rank-k for each size, the largest first; a note names the sizes for which there are too few distractors."""
        store = self.with_columns(store)
        probes, others = store.choose(self.probes), store.choose(self.distractors)
        available = int(others.sum())
        sizes = [size for size in self.sizes if size <= available] or [available]
        labels = store.column("label")[probes]
        result = identification_with_distractors(
            store.embeddings[probes], labels, store.embeddings[others], sizes, ranks=self.ranks
        )
        figures = []
        codes = encode_labels(labels, len(labels))
        counts = np.bincount(codes)
        owner = np.repeat(codes, counts[codes] - 1)  # identity of each trial, in the order of the probes
        totals = np.bincount(owner, minlength=len(counts))
        for size in reversed(sizes):
            for k in self.ranks:
                hits = np.bincount(owner, weights=result.ranks[size] <= k, minlength=len(counts))
                ends = bootstrap_rate(hits, totals, confidence=settings.confidence)
                figures.append(Figure(f"rank-{k} among {size:,}", result.rank[size][k], *ends))
        notes = [
            f"{size:,} distractors wanted, {available:,} available: not given"
            for size in self.sizes
            if size > available
        ]
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail=result.to_dict(),
            notes=tuple(notes),
            cmc=np.array([float(np.mean(result.ranks[sizes[-1]] <= k)) for k in range(1, CMC_RANKS + 1)]),
        )
