"""SphereFace: the target angle is multiplied, annealed from plain logits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class SphereFaceMargin(Margin):
    """A-Softmax. Weights are normalised, embeddings are not; the gradient flows through their length.

    State ``iter`` counts training calls, incremented before use; λ falls from ``base`` to ``lambda_min``.

    Attributes:
        margin: m, an integer, 1 to 8.
        base: λ before the first iteration, 0 or more.
        gamma: growth of the denominator, 0 or more.
        power: exponent of the denominator, 0 or more.
        lambda_min: lowest λ, 0 or more.
    """

    name: ClassVar[str] = "SphereFace"
    module: ClassVar[str] = "sphereface"
    paper: ClassVar[str] = (
        "Liu, Wen, Yu, Li, Raj, Song, SphereFace, CVPR 2017, arXiv 1704.08063, eq. 7; annealing as in the authors'"
        " release"
    )
    equation: ClassVar[str] = (
        "z_y = |x| (cos θ + (ψ(θ) - cos θ) / (1 + λ)),  ψ = (-1)^k cos(mθ) - 2k;  z_j = |x| cos θ_j;  λ = "
        "max(λ_min, base (1 + γ n)^-power)"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (1, 8),
        "base": (0.0, 1e9),
        "gamma": (0.0, 1e3),
        "power": (0.0, 10.0),
        "lambda_min": (0.0, 1e9),
    }

    margin: int = 4
    base: float = 1000.0
    gamma: float = 0.12
    power: float = 1.0
    lambda_min: float = 5.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        rows = np.arange(len(labels))
        t = cosine[rows, labels]
        count = float(state["iter"]) + 1
        annealing = max(self.lambda_min, self.base * (1 + self.gamma * count) ** -self.power)
        angle = np.arccos(t)
        k = np.minimum(np.floor(self.margin * angle / math.pi), self.margin - 1)
        psi = (-1) ** k * np.cos(self.margin * angle) - 2 * k
        coefficients = np.polynomial.chebyshev.chebder([0] * self.margin + [1])
        slope = (-1) ** k * np.polynomial.chebyshev.chebval(t, coefficients)
        values, slopes = cosine, np.ones_like(cosine)
        values[rows, labels] = t + (psi - t) / (1 + annealing)
        slopes[rows, labels] = 1 + (slope - 1) / (1 + annealing)
        length = norms[:, None]
        return Reference(length * values, length * slopes, norm_slope=values, state={"iter": np.array(count)})
