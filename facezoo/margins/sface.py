"""SFace: sigmoid-weighted pull and push, without softmax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class SFaceMargin(Margin):
    """Sigmoid-constrained hypersphere loss; the sigmoids r carry no gradient, and the loss may be negative.

    Attributes:
        scale: s, above 0.
        k: steepness of the sigmoids, above 0.
        a: target angle below which there is no pull, 0 to π.
        b: angle above which there is no push, 0 to π.
    """

    name: ClassVar[str] = "SFace"
    module: ClassVar[str] = "sface"
    paper: ClassVar[str] = "Zhong, Deng, Hu, Zhao, Li, Wen, SFace, IEEE TIP 30, 2021, arXiv 2205.12010, eq. 8 to 12"
    equation: ClassVar[str] = (
        "loss = mean_i (-r_y s cos θ_y + Σ_j r_j s cos θ_j), r_y = 1 / (1 + exp(-k (θ_y - a))), r_j = 1 / (1 + "
        "exp(k (θ_j - b)))"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "scale": (1e-3, 1e4),
        "k": (1e-3, 1e4),
        "a": (0.0, math.pi),
        "b": (0.0, math.pi),
    }
    criteria: ClassVar[tuple[str, ...]] = ()

    scale: float = 64.0
    k: float = 80.0
    a: float = 0.80
    b: float = 1.23

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        rows = np.arange(len(labels))
        angle = np.arccos(cosine)
        exponent = self.k * (angle - self.b)
        exponent[rows, labels] = -self.k * (angle[rows, labels] - self.a)
        weight = np.exp(-np.logaddexp(0.0, exponent))
        weight[rows, labels] *= -1
        logits = self.scale * cosine
        losses = (weight * logits).sum(axis=1)
        return Reference(logits, np.full_like(cosine, self.scale), losses=losses, loss_slope=weight)
