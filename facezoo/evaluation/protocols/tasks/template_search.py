"""Task kind ``template-search``: probe templates searched in gallery templates (1:N), as in IJB."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from facezoo.evaluation.inputs.ijb import read_subjects
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.search import identification
from facezoo.evaluation.metrics.templates import template_rows
from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.protocols.tasks.base import Ranks, Rates, TaskSettings
from facezoo.evaluation.protocols.tasks.figures import search_figures
from facezoo.evaluation.protocols.tasks.search import CMC_RANKS
from facezoo.evaluation.protocols.tasks.template_list import TemplateListTask
from facezoo.io.files import file_hash


class TemplateSearchTask(TemplateListTask):
    """Probe templates searched in gallery templates (1:N); figures are means over the galleries."""

    kind: Literal["template-search"]
    galleries: list[str] = Field(min_length=1)
    probes: str
    ranks: Ranks = Field(default=[1, 5, 10])
    fpir: Rates = Field(default=[0.1, 0.01])

    def list_files(self) -> list[str]:
        """The lists of images, of probes and of each gallery."""
        return [self.images, self.probes, *self.galleries]

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """Rank-k and TPIR."""
        lists = settings.lists
        numbers, templates = self.pool(store, lists)
        probe_templates, probe_subjects = read_subjects(lists / self.probes)
        probes = templates[template_rows(numbers, probe_templates)]
        found = []
        for gallery in self.galleries:
            entries, subjects = read_subjects(lists / gallery)
            rows = templates[template_rows(numbers, entries)]
            found.append(
                identification(
                    probes, probe_subjects, rows, subjects,
                    ranks=self.ranks, fpir=self.fpir, confidence=settings.confidence,
                )
            )  # fmt: skip
        figures = []
        for column in zip(*(search_figures(result) for result in found), strict=True):
            value, low, high = np.mean([(figure.value, figure.low, figure.high) for figure in column], axis=0).tolist()
            figures.append(Figure(column[0].name, value, low, high))
        depth = min(CMC_RANKS, *(result.subjects for result in found))
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail={name: result.to_dict() for name, result in zip(self.galleries, found, strict=True)},
            notes=tuple(dict.fromkeys(note for result in found for note in result.notes)),
            cmc=np.mean([result.cmc(depth) for result in found], axis=0),
            lists={name: file_hash(lists / name) for name in self.list_files()},
        )
