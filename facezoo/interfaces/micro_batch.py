"""The parts of a batch whose gradients are added before one update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class MicroBatch(NamedTuple):
    """Some images of a batch.

    Attributes:
        images: (n, H, W, 3) uint8 RGB.
        labels: (n,) int64.
        targets: (n, T) float32, the teacher's embeddings; None without a teacher.
    """

    images: np.ndarray
    labels: np.ndarray
    targets: np.ndarray | None


def micro_batches(
    images: np.ndarray, labels: np.ndarray, targets: np.ndarray | None, parts: int
) -> Iterator[MicroBatch]:
    """The batch in ``parts`` parts of about the same size."""
    shares = [np.array_split(values, parts) for values in (images, labels)]
    teacher = [None] * parts if targets is None else np.array_split(targets, parts)
    for part_images, part_labels, part_targets in zip(*shares, teacher, strict=True):
        yield MicroBatch(part_images, part_labels, part_targets)
