"""AdaM-Softmax: a trained margin per class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.rng import generator


@dataclass(frozen=True, kw_only=True)
class AdaMSoftmaxMargin(Margin):
    """Adaptive margin softmax of AdaptiveFace.

    Parameter ``margins`` (C,), initially from U(0.3, 0.4), is clamped to 0..1 in place before use; the clamp does not
    affect the gradient.

    Attributes:
        scale: s, above 0.
        penalty_weight: λ, 0 or more.
    """

    name: ClassVar[str] = "AdaMSoftmax"
    module: ClassVar[str] = "adamsoftmax"
    paper: ClassVar[str] = "Liu, Zhu, Lei, Li, AdaptiveFace, CVPR 2019, eq. 3 to 5; the constant 1 as in FaceX-Zoo"
    equation: ClassVar[str] = "z_y = s (cos θ_y - m_y);  z_j = s cos θ_j;  loss + λ (1 - mean m)"
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"scale": (1e-3, 1e4), "penalty_weight": (0.0, 1e4)}

    scale: float = 30.0
    penalty_weight: float = 70.0

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Initial values of weight and margins."""
        drawn = generator(seed, "init", "head.margins").uniform(0.3, 0.4, num_classes)[rows or slice(None)]
        return {**super().initial_state(embedding_size, num_classes, seed, rows), "margins": drawn.astype(np.float32)}

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        rows = np.arange(len(labels))
        margins = np.clip(state["margins"], 0, 1).astype(np.float64)
        logits = self.scale * cosine
        logits[rows, labels] -= self.scale * margins[labels]

        def by_margins(slope: np.ndarray) -> dict[str, np.ndarray]:
            gradient = np.full(len(margins), -self.penalty_weight / len(margins))
            np.add.at(gradient, labels, -self.scale * slope[rows, labels])
            return {"margins": gradient}

        penalty = self.penalty_weight * (1 - margins.mean())
        return Reference(
            logits, np.full_like(cosine, self.scale), penalty=penalty, parameters=by_margins, state={"margins": margins}
        )
