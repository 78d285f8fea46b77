"""What tasks on templates share: the list of images, and pooling their embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.ijb import read_landmark_scores, read_template_list
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.templates import pool_templates
from facezoo.evaluation.protocols.tasks.base import Task


class TemplateListTask(Task):
    """A task on templates, which a list assigns to the images."""

    rows_suffice: ClassVar[bool] = True

    images: str
    landmarks: str | None = None
    weight: Literal["unit", "norm"] = "norm"
    detection_scores: bool = True

    def listed_images(self, lists: Path) -> list[str]:
        """The images of the list, in its order."""
        return read_template_list(lists / self.images).images

    def landmark_file(self) -> str | None:
        """The file of landmarks and detection scores."""
        return self.landmarks

    def pool(self, store: EmbeddingSet | NpyRows, lists: Path) -> tuple[np.ndarray, np.ndarray]:
        """Template numbers (T,) and template embeddings (T, E).

        Raises:
            ProtocolError: the list and the embeddings do not match.
        """
        listed = read_template_list(lists / self.images)
        rows: np.ndarray | NpyRows
        if isinstance(store, NpyRows):
            rows = store
        elif "name" in store.columns:
            rows = store.embeddings[store.rows_of(listed.images)]
        else:
            rows = store.embeddings
        if len(rows) != len(listed.images):
            raise ProtocolError(
                f"{len(rows)} embeddings for {len(listed.images)} images in {self.images}; expected one per image"
            )
        scores = None
        if self.detection_scores:
            if self.landmarks is None:
                raise ProtocolError(f"task {self.name} weights by detection score but names no landmarks file")
            names, _, scores = read_landmark_scores(lists / self.landmarks)
            if names != listed.images:
                raise ProtocolError(f"{self.landmarks} and {self.images} list different images")
        return pool_templates(rows, listed.templates, listed.media, weight=self.weight, detection_scores=scores)
