"""Circle loss: each similarity has its own weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin, Reference
from facezoo.margins.reference import normalise, through_normalise, with_target


@dataclass(frozen=True, kw_only=True)
class CircleLossMargin(Margin):
    """Circle loss; the weights in brackets carry no gradient.

    * ``ref``: over classes
    * ``pairwise``: over all pairs of a batch, one value; no class weights, no logits

    Attributes:
        margin: m, 0 to 1.
        scale: γ, above 0.
    """

    name: ClassVar[str] = "CircleLoss"
    module: ClassVar[str] = "circleloss"
    paper: ClassVar[str] = (
        "Sun, Cheng, Zhang, Zhang, Zheng, Wang, Wei, Circle Loss, CVPR 2020, arXiv 2002.10857, eq. 6 to 8"
    )
    equation: ClassVar[str] = (
        "z_y = γ [1 + m - c]₊ (c - 1 + m);  z_j = γ [c + m]₊ (c - m);  pairwise: softplus(LSE z_n + LSE -z_p)"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "pairwise": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"margin": (0.0, 1.0), "scale": (1e-3, 1e4)}

    margin: float = 0.25
    scale: float = 256.0

    @property
    def classifies(self) -> bool:
        """Whether there are class logits."""
        return self.variant == "ref"

    @property
    def auxiliary(self) -> bool:
        """Always false: it is not an extra term."""
        return False

    @property
    def one_row(self) -> bool:
        """Whether there are class weights."""
        return self.variant == "ref"

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Initial values of weight; none for pairs."""
        return super().initial_state(embedding_size, num_classes, seed, rows) if self.variant == "ref" else {}

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        m = self.margin
        pull, push = np.maximum(0, 1 + m - t), np.maximum(0, cosine + m)
        return with_target(push * (cosine - m), push, labels, pull * (t - 1 + m), pull, self.scale)

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        if self.variant == "ref":
            return super().reference(embeddings, labels, state, **criterion)
        hat, norms = normalise(np.asarray(embeddings, np.float64))
        first, second = np.triu_indices(len(hat), 1)
        similarity = np.clip((hat[first] * hat[second]).sum(axis=1), -1, 1)
        same = labels[first] == labels[second]
        weight = np.where(same, -np.maximum(0, 1 + self.margin - similarity), np.maximum(0, similarity + self.margin))
        values = self.scale * weight * (similarity - np.where(same, 1 - self.margin, self.margin))
        sums = [np.logaddexp.reduce(values[mask], initial=-np.inf) for mask in (same, ~same)]
        total = sums[0] + sums[1]
        pull = np.exp(-np.logaddexp(0.0, -total))  # the softplus's slope
        share = np.exp(values - np.where(same, *sums)) if np.isfinite(total) else np.zeros_like(values)
        slope = pull * share * self.scale * weight
        by_hat = np.zeros_like(hat)
        np.add.at(by_hat, first, slope[:, None] * hat[second])
        np.add.at(by_hat, second, slope[:, None] * hat[first])
        return Gradients(float(np.logaddexp(0.0, total)), None, through_normalise(by_hat, hat, norms), {}, {})
