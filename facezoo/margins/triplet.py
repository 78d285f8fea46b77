"""Triplet loss over the batch: hardest or semi-hard pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.errors import ConfigError
from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import normalise, through_normalise


@dataclass(frozen=True, kw_only=True)
class TripletMargin(Margin):
    """Triplet loss on squared distances of normalised embeddings, 0 to 4.

    * mining ``batch_hard``, ``ref``: farthest positive, nearest negative; mean over the anchors that have both
    * ``mean_nonzero`` (batch_hard): mean over the anchors with a loss above 0
    * mining ``semi_hard``, ``ref`` or ``nearest_outside``: for each ordered positive pair the nearest negative beyond
      it, else the farthest; mean over all ordered positive pairs
    * ``all_semihard`` (semi_hard): mean over all triplets whose negative lies beyond the positive by less than the
      margin

    Attributes:
        mining: "batch_hard" or "semi_hard".
        margin: 0 to 4; None: 0.3 for batch_hard, 0.2 for semi_hard.
    """

    name: ClassVar[str] = "Triplet"
    module: ClassVar[str] = "triplet"
    family: ClassVar[str] = "metric"
    compares: ClassVar[bool] = True
    paper: ClassVar[str] = (
        "Schroff, Kalenichenko, Philbin, FaceNet, CVPR 2015, arXiv 1503.03832; Hermans, Beyer, Leibe, arXiv 1703.07737"
    )
    equation: ClassVar[str] = "loss = mean max(0, D_ap - D_an + m),  D the squared distance of normalised embeddings"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ref": {},
        "mean_nonzero": {"mining": "batch_hard"},
        "nearest_outside": {"mining": "semi_hard"},
        "all_semihard": {"mining": "semi_hard"},
    }
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"margin": (0.0, 4.0)}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"mining": ("batch_hard", "semi_hard")}
    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "TripletBatchHard": {"mining": "batch_hard"},
        "TripletSemiHard": {"mining": "semi_hard"},
    }

    mining: str = "batch_hard"
    margin: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = self.variants[self.variant].get("mining", self.mining)
        if wanted != self.mining:
            raise ConfigError(f"Triplet: variant {self.variant!r} needs mining {wanted!r}; received {self.mining!r}")

    least_classes: ClassVar[int] = 1

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Empty: there are no trained parameters."""
        return {}

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        hat, norms = normalise(np.asarray(embeddings, np.float64))
        distance = 2 - 2 * hat @ hat.T
        triplets, count = self.mine(distance, np.asarray(labels))
        margin = (0.3 if self.mining == "batch_hard" else 0.2) if self.margin is None else self.margin
        loss, slope = 0.0, np.zeros_like(distance)
        for a, p, n in triplets:
            gap = distance[a, p] - distance[a, n] + margin
            if gap > 0:
                loss, count = loss + gap, count + (self.variant == "mean_nonzero")
                slope[a, p] += 1
                slope[a, n] -= 1
            count += self.variant == "all_semihard" and 0 < gap < margin
        slope /= max(count, 1)
        by_hat = -2 * (slope + slope.T) @ hat
        return Gradients(loss / max(count, 1), None, through_normalise(by_hat, hat, norms), {}, {})

    def mine(self, distance: np.ndarray, labels: np.ndarray) -> tuple[list[tuple[int, int, int]], int]:
        """Triplets (anchor, positive, negative), and the divisor of the mean, or 0 where it depends on the losses."""
        found: list[tuple[int, int, int]] = []
        for a, row in enumerate(distance):
            positives = [p for p in np.flatnonzero(labels == labels[a]).tolist() if p != a]
            negatives = np.flatnonzero(labels != labels[a]).tolist()
            if not positives or not negatives:
                continue
            if self.mining == "batch_hard":
                found.append((a, max(positives, key=row.__getitem__), min(negatives, key=row.__getitem__)))
                continue
            for p in positives:
                beyond = [n for n in negatives if row[n] > row[p]]
                if self.variant == "all_semihard":
                    found += [(a, p, n) for n in beyond]
                else:
                    nearest = min(beyond, key=row.__getitem__) if beyond else max(negatives, key=row.__getitem__)
                    found.append((a, p, nearest))
        return found, 0 if self.variant in ("mean_nonzero", "all_semihard") else len(found)
