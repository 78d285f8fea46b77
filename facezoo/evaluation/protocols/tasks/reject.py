"""Task kind ``reject``: error-versus-reject on listed pairs."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.quality import error_versus_reject, pair_quality
from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.protocols.tasks.base import TaskSettings
from facezoo.evaluation.protocols.tasks.pair_list import PairListTask
from facezoo.evaluation.scores.pair_scores import pair_scores

POINTS = 96  # shares of rejected pairs on the curve


class RejectTask(PairListTask):
    """Error-versus-reject of a quality column, or of the length of the embeddings ("norm"), on listed pairs."""

    kind: Literal["reject"]
    quality: str = "norm"
    fmr: float = Field(default=1e-3, gt=0, le=1)
    most: float = Field(default=0.95, gt=0, lt=1)

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """The curve, its area and the FNMR at three shares."""
        store = self.with_columns(store)
        pairs = self.read_pair_list(settings.lists)
        rows = store.rows_of(pairs.images())
        first, second = pairs.indices()
        scores = pair_scores(store.embeddings, rows[first], rows[second])
        quality = self._quality(store)
        worth = pair_quality(quality[rows[first]], quality[rows[second]])
        curve = error_versus_reject(scores, pairs.same, worth, fmr=self.fmr, reject=np.linspace(0, self.most, POINTS))
        at = {
            share: float(np.interp(share, curve.reject, curve.fnmr)) for share in (0.1, 0.2, 0.3) if share <= self.most
        }
        figures = [Figure("area under error-versus-reject", curve.area), Figure("FNMR of all pairs", curve.random)]
        figures += [Figure(f"FNMR, worst {share:.0%} rejected", value) for share, value in at.items()]
        detail = {
            "quality": self.quality,
            "fmr": self.fmr,
            "threshold": curve.threshold,
            "area": curve.area,
            "reject": curve.reject.tolist(),
            "fnmr": curve.fnmr.tolist(),
        }
        notes = ("all pairs have the same quality: rejection has no order",) if np.ptp(worth) < 1e-6 else ()
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=figures,
            detail=detail,
            notes=notes,
            lists={self.pairs: pairs.sha256},
        )

    def _quality(self, store: EmbeddingSet) -> np.ndarray:
        """Quality of each row, float64 (N,)."""
        if self.quality == "norm" and "norm" not in store.columns:
            return np.linalg.norm(store.embeddings.astype(np.float64), axis=1)
        return store.column(self.quality).astype(np.float64)
