"""AdaFace: the margin depends on image quality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import sine, with_target


@dataclass(frozen=True, kw_only=True)
class AdaFaceMargin(Margin):
    """Quality adaptive margin; the length of the embedding, clamped to 1e-3..100 and without gradient, is the quality.

    State ``batch_mean`` and ``batch_std`` are running statistics of the lengths, updated before use in training; a
    batch of one leaves ``batch_std`` unchanged.

    * ``ref``: as the authors train, momentum 0.01
    * ``ref_t_alpha_1``: statistics of the batch alone, the default of the authors' class
    * ``cvlface_straight_through``: no clamps at the poles, the gradient of s cos θ

    Attributes:
        margin: m, 0 to 1.
        scale: s, above 0.
        h: scale of the normalised length, 0 to 1.
        momentum: weight of the batch in the statistics, 0 to 1.
    """

    name: ClassVar[str] = "AdaFace"
    module: ClassVar[str] = "adaface"
    paper: ClassVar[str] = "Kim, Jain, Liu, AdaFace, CVPR 2022, arXiv 2204.00964, eq. 14 to 16"
    equation: ClassVar[str] = (
        "z_y = s (cos(θ_y - m k) - (m + m k)), k = h (|x| - μ) / σ clamped to -1..1;  z_j = s cos θ_j"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ref": {},
        "ref_t_alpha_1": {"momentum": 1.0},
        "cvlface_straight_through": {},
    }
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, 1.0),
        "scale": (1e-3, 1e4),
        "h": (0.0, 1.0),
        "momentum": (0.0, 1.0),
    }

    margin: float = 0.4
    scale: float = 64.0
    h: float = 0.333
    momentum: float = 0.01

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        q = np.clip(norms, 1e-3, 100)
        mean = self.momentum * q.mean() + (1 - self.momentum) * float(state["batch_mean"])
        std = float(state["batch_std"])
        if len(q) > 1:
            std = self.momentum * q.std(ddof=1) + (1 - self.momentum) * std
        k = np.clip(self.h * (q - mean) / (std + 1e-3), -1, 1)
        slope, low = np.ones_like(cosine), 1e-3
        if self.variant == "cvlface_straight_through":
            low = -np.inf
        else:
            slope = (np.abs(cosine) <= 1 - 1e-3).astype(np.float64)
            cosine = np.clip(cosine, -1 + 1e-3, 1 - 1e-3)
        rows = np.arange(len(labels))
        t = cosine[rows, labels]
        angle = np.arctan2(sine(t), t) - self.margin * k
        value = np.cos(np.clip(angle, low, math.pi - low)) - (self.margin + self.margin * k)
        if self.variant == "cvlface_straight_through":
            derivative = np.ones_like(t)
        else:
            free = (angle >= low) & (angle <= math.pi - low)
            derivative = np.where(free, np.sin(angle) / np.sqrt(1 - t * t), 0.0) * slope[rows, labels]
        out = with_target(cosine, slope, labels, value, derivative, self.scale)
        out.state = {"batch_mean": np.array(mean), "batch_std": np.array(std)}
        return out
