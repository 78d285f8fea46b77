"""ArcFace: a margin added to the target angle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, arc_monotone, with_target


@dataclass(frozen=True, kw_only=True)
class ArcFaceMargin(Margin):
    """Additive angular margin loss.

    Public implementations differ past θ = π - m, where cos(θ + m) would rise again, and in the gradient:

    * ``ref``: past π - m the target logit is s (cos θ - m sin m) (face.evoLVe and most others)
    * ``insightface``: cos(θ + m) everywhere
    * ``insightface_straight_through``: the values of ``insightface``, the gradient of s cos θ, as
      InsightFace's released PyTorch code does
    * ``easy_margin``: the margin only where cos θ > 0
    * ``facexzoo``: s = 32, m = 0.35, past π - m plain s cos θ
    * ``adaface_repo_clip``: cosines clamped to ±(1 - 1e-4) and θ + m to [1e-4, π - 1e-4]

    Attributes:
        margin: m in radians, 0 to π/2.
        scale: s, above 0.
    """

    name: ClassVar[str] = "ArcFace"
    module: ClassVar[str] = "arcface"
    paper: ClassVar[str] = "Deng, Guo, Xue, Zafeiriou, ArcFace, CVPR 2019, arXiv 1801.07698, eq. 3"
    equation: ClassVar[str] = "z_y = s cos(θ_y + m) if θ_y < π - m else s (cos θ_y - m sin m);  z_j = s cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ref": {},
        "insightface": {},
        "insightface_straight_through": {},
        "easy_margin": {},
        "facexzoo": {"margin": 0.35, "scale": 32.0},
        "adaface_repo_clip": {},
    }
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"margin": (0.0, math.pi / 2), "scale": (1e-3, 1e4)}

    margin: float = 0.5
    scale: float = 64.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        slope = np.ones_like(cosine)
        if self.variant == "adaface_repo_clip":
            slope = (np.abs(cosine) <= 1 - 1e-4).astype(np.float64)
            cosine = np.clip(cosine, -1 + 1e-4, 1 - 1e-4)
        rows = np.arange(len(labels))
        value, derivative = self._target(cosine[rows, labels])
        return with_target(cosine, slope, labels, value, derivative * slope[rows, labels], self.scale)

    def _target(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        m = self.margin
        if self.variant == "ref":
            return arc_monotone(t, m)
        value, derivative = arc(t, m)
        if self.variant == "insightface_straight_through":
            return value, np.ones_like(t)
        if self.variant == "adaface_repo_clip":
            angle = np.arccos(t) + m
            clamped = (angle < 1e-4) | (angle > math.pi - 1e-4)
            return np.cos(np.clip(angle, 1e-4, math.pi - 1e-4)), np.where(clamped, 0.0, derivative)
        if self.variant == "insightface":
            return value, derivative
        keep = t > (0.0 if self.variant == "easy_margin" else math.cos(math.pi - m))
        return np.where(keep, value, t), np.where(keep, derivative, 1.0)
