"""Task kind ``videos``: frames pooled to videos, then all pairs of videos."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.video import pool_videos
from facezoo.evaluation.pairwise.all_pairs import all_pairs
from facezoo.evaluation.protocols.result import TaskResult
from facezoo.evaluation.protocols.tasks.base import Rates, Task, TaskSettings
from facezoo.evaluation.protocols.tasks.figures import all_pairs_figures


class VideosTask(Task):
    """Frames cleaned and pooled to videos, then all pairs of videos."""

    kind: Literal["videos"]
    threshold: float | None = Field(default=None, ge=-1, le=1)
    pooling: Literal["mean", "norm", "quality"] = "mean"
    far: Rates

    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """TAR, EER and AUC of the videos."""
        store = self.with_columns(store)
        videos = store.column("video")
        quality = store.column("quality").astype(np.float64) if self.pooling == "quality" else None
        names, rows, kept = pool_videos(
            store.embeddings, videos, threshold=self.threshold, how=self.pooling, quality=quality
        )
        first = np.unique(videos, return_index=True)[1]
        result = all_pairs(
            rows,
            store.column("label")[first],
            self.far,
            confidence=settings.confidence,
            on_progress=settings.on_progress,
        )
        detail = {"videos": len(names), "frames": len(kept), "frames_kept": int(kept.sum()), **result.to_dict()}
        return TaskResult(
            name=self.name,
            kind=self.kind,
            figures=all_pairs_figures(result),
            detail=detail,
            notes=(f"{len(kept) - int(kept.sum())} of {len(kept)} frames left out", *result.notes),
            roc=result.roc,
            histogram=result.histogram,
            identities=result.by_identity(),
        )
