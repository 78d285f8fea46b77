"""Task kind ``templates``: listed pairs of templates (1:1), as in IJB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

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
from facezoo.evaluation.statistics.bootstrap import share_interval
from facezoo.evaluation.statistics.identities import Identities
from facezoo.evaluation.statistics.many_pairs import KEPT, Ends, ManyPairs
from facezoo.evaluation.statistics.weighted import Curve
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
        one, two = template_rows(numbers, one), template_rows(numbers, two)
        scores = listed_cosines(templates, one, two)
        subject = subjects_of(one[same], two[same], len(numbers))
        people = Pairs(scores, same, subject[one], subject[two], settings.confidence)
        del one, two
        roc = Roc.from_scores(scores, same)
        rates, eer, auc = people.intervals(roc, self.far)
        figures = [Figure(f"TAR at FAR {far:g}", tar, *rates[far]) for far, tar in roc.tar_at_far(self.far).items()]
        figures += [Figure("EER", roc.eer(), *eer), Figure("AUC", roc.auc(), *auc, percent=False)]
        detail = {
            "templates": len(numbers),
            "genuine": roc.genuine,
            "impostor": roc.impostor,
            "tar": {f"{far:g}": tar for far, tar in roc.tar_at_far(self.far).items()},
            "eer": roc.eer(),
            "auc": roc.auc(),
        }
        notes = [roc.unsupported(far) for far in self.far if not roc.supports(far)]
        notes.append(people.note)
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


class Pairs:
    """Intervals of listed pairs of templates, from resampled people.

    Args:
        scores: (n,).
        same: bool (n,).
        first: int (n,), the subject of the first template of each pair.
        second: int (n,), that of the second.
        confidence: of the intervals.
        kept: see :class:`facezoo.evaluation.statistics.many_pairs.ManyPairs`.
    """

    def __init__(
        self, scores: np.ndarray, same: np.ndarray, first: np.ndarray, second: np.ndarray, confidence: float,
        kept: int = KEPT,
    ) -> None:  # fmt: skip
        self.confidence = confidence
        self._genuine, self._subject = scores[same], first[same]
        self._totals = np.bincount(self._subject)
        self._pairs = ManyPairs(scores, same, first, second, kept=kept)

    @property
    def note(self) -> str:
        """What the intervals rest on."""
        fixed = "" if self._pairs.whole else "; those of the AUC hold the impostor pairs fixed"
        return f"intervals: people resampled; templates linked by genuine pairs are of one person{fixed}"

    def intervals(self, roc: Roc, far: Sequence[float]) -> tuple[dict[float, Ends], Ends, Ends]:
        """Intervals of the TAR at each FAR, of the EER and of the AUC; NaN where there are fewer than two people.

        That of a TAR is at least as wide as Wilson's, and NaN where the FAR is not supported.
        """
        nothing = (np.nan, np.nan)
        moved: dict[str, Ends] = {}
        others = (nothing, nothing)
        if np.count_nonzero(self._totals) > 1:
            figures: dict[str, Callable[[Curve], float]] = {
                f"{rate:g}": partial(Curve.tar_at, far=rate) for rate in far
            }
            figures |= {"EER": Curve.eer, "AUC": Curve.auc}
            moved = self._pairs.intervals(figures, confidence=self.confidence)
            if np.isnan([*moved["EER"], *moved["AUC"]]).any():
                auc, eer, _ = self._people().intervals(roc, {})
                others = (eer, auc)
        found = [
            ends if np.isnan(moved.get(name, nothing)).any() else moved[name]
            for name, ends in zip(("EER", "AUC"), others, strict=True)
        ]
        return {rate: self._tar(roc, rate, moved.get(f"{rate:g}", nothing)) for rate in far}, found[0], found[1]

    def _tar(self, roc: Roc, far: float, moved: Ends) -> Ends:
        if not roc.supports(far):
            return np.nan, np.nan
        count = roc.accepted_at(far)
        lowest = roc.thresholds[np.searchsorted(roc.accepted, count)] if count else np.inf
        hits = np.bincount(self._subject, weights=self._genuine >= lowest)
        low, high = share_interval(hits, self._totals, self.confidence)
        return float(np.fmin(low, moved[0])), float(np.fmax(high, moved[1]))

    def _people(self) -> Identities:
        order = np.argsort(self._subject, kind="stable")
        return Identities(self._genuine[order], self._totals, self.confidence)


def subjects_of(one: np.ndarray, two: np.ndarray, templates: int) -> np.ndarray:
    """A number per template (templates,), equal for templates that genuine pairs link: those of one person.

    Args:
        one: row of the first template of each genuine pair (n,).
        two: row of the second.
        templates: number of templates.
    """
    links = coo_matrix((np.ones(len(one), bool), (one, two)), (templates, templates))
    return connected_components(links, directed=False)[1]
