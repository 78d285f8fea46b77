"""ArcNegFace: ArcFace with negatives weighted by their similarity to the target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc_monotone, with_target


@dataclass(frozen=True, kw_only=True)
class ArcNegFaceMargin(Margin):
    """ArcFace with weighted negatives; the weight τ carries no gradient, and divides by σ itself, not by 2σ².

    Attributes:
        margin: m in radians, 0 to π/2.
        scale: s, above 0.
        alpha: α, above 0 to 10.
        sigma: σ, above 0.
    """

    name: ClassVar[str] = "ArcNegFace"
    module: ClassVar[str] = "arcnegface"
    paper: ClassVar[str] = (
        "Liu, Song, Zhang, Liu, Zhou, Yan, Towards Flops-constrained Face Recognition, ICCVW 2019, arXiv "
        "1909.00632, eq. 2 to 3"
    )
    equation: ClassVar[str] = (
        "z_y = s a, a as in ArcFace;  z_j = s (τ cos θ_j + τ - 1),  τ = α exp(-(cos θ_j - a)² / σ)"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, math.pi / 2),
        "scale": (1e-3, 1e4),
        "alpha": (1e-3, 10.0),
        "sigma": (1e-3, 1e3),
    }

    margin: float = 0.5
    scale: float = 64.0
    alpha: float = 1.2
    sigma: float = 2.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        value, slope = arc_monotone(t, self.margin)
        weight = self.alpha * np.exp(-((cosine - value[:, None]) ** 2) / self.sigma)
        return with_target(weight * cosine + weight - 1, weight, labels, value, slope, self.scale)
