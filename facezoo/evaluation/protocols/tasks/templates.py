"""Task kind ``templates``: listed pairs of templates (1:1), as in IJB."""

from __future__ import annotations

from typing import Literal

import numpy as np

from facezoo.evaluation.inputs.ijb import read_pair_list
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.templates import template_rows
from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.protocols.tasks.base import Rates, TaskSettings
from facezoo.evaluation.protocols.tasks.figures import score_histogram
from facezoo.evaluation.protocols.tasks.template_list import TemplateListTask
from facezoo.evaluation.scores.products import listed_cosines
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.intervals import wilson
from facezoo.io.files import file_hash


class TemplatesTask(TemplateListTask):
    """Listed pairs of templates (1:1)."""

    kind: Literal["templates"]
    pairs: str
    far: Rates

    def list_files(self) -> list[str]:
        """The list of images and the list of pairs."""
        return [self.images, self.pairs]

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """TAR, EER and AUC of the pairs of templates."""
        numbers, templates = self.pool(store, settings.lists)
        one, two, same = read_pair_list(settings.lists / self.pairs)
        scores = listed_cosines(templates, template_rows(numbers, one), template_rows(numbers, two))
        del one, two
        roc = Roc.from_scores(scores, same)
        figures = []
        for far, tar in roc.tar_at_far(self.far).items():
            unknown = np.isnan(tar)
            ends = (np.nan, np.nan) if unknown else wilson(roc.accepted_at(far), roc.genuine, settings.confidence)
            figures.append(Figure(f"TAR at FAR {far:g}", tar, *ends))
        figures += [Figure("EER", roc.eer()), Figure("AUC", roc.auc(), percent=False)]
        detail = {
            "templates": len(numbers),
            "genuine": roc.genuine,
            "impostor": roc.impostor,
            "tar": {f"{far:g}": tar for far, tar in roc.tar_at_far(self.far).items()},
            "eer": roc.eer(),
            "auc": roc.auc(),
        }
        notes = [roc.unsupported(far) for far in self.far if not roc.supports(far)]
        notes.append("intervals treat pairs as independent")
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail=detail,
            notes=tuple(notes),
            roc=roc,
            histogram=score_histogram(scores, same),
            lists={name: file_hash(settings.lists / name) for name in self.list_files()},
        )
