"""MagFace: a margin that grows with the length of the embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.errors import ConfigError
from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, with_target


@dataclass(frozen=True, kw_only=True)
class MagFaceMargin(Margin):
    """Magnitude-aware angular margin; the gradient flows through the length.

    * ``ref``: the margin only where cos θ > 0, as the authors' release ("easy margin")
    * ``mm``: past π - m the target logit is s (cos θ - m sin m), m being that of the sample
    * ``facexzoo``: past π - m plain s cos θ

    Attributes:
        scale: s, above 0.
        lowest_norm: l_a, above 0.
        highest_norm: u_a, above l_a.
        lowest_margin: l_m in radians, 0 to π/2.
        highest_margin: u_m in radians, l_m to π/2.
        penalty_weight: λ_g, 0 or more; the authors' command line takes 20.
    """

    name: ClassVar[str] = "MagFace"
    module: ClassVar[str] = "magface"
    paper: ClassVar[str] = "Meng, Zhao, Huang, Zhou, MagFace, CVPR 2021, arXiv 2103.06627, eq. 2"
    equation: ClassVar[str] = (
        "z_y = s cos(θ_y + m(a)), m(a) = l_m + (u_m - l_m) (a - l_a) / (u_a - l_a), a = |x| clamped to l_a..u_a;  "
        "loss + λ_g mean(a / u_a² + 1 / a)"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "mm": {}, "facexzoo": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "scale": (1e-3, 1e4),
        "lowest_norm": (1e-6, 1e6),
        "highest_norm": (1e-6, 1e6),
        "lowest_margin": (0.0, math.pi / 2),
        "highest_margin": (0.0, math.pi / 2),
        "penalty_weight": (0.0, 1e4),
    }

    scale: float = 64.0
    lowest_norm: float = 10.0
    highest_norm: float = 110.0
    lowest_margin: float = 0.45
    highest_margin: float = 0.80
    penalty_weight: float = 35.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lowest_norm < self.highest_norm:
            raise ConfigError(f"MagFace: highest_norm is {self.highest_norm}; expected above {self.lowest_norm}")

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        a = np.clip(norms, self.lowest_norm, self.highest_norm)
        inside = (norms >= self.lowest_norm) & (norms <= self.highest_norm)
        k = (self.highest_margin - self.lowest_margin) / (self.highest_norm - self.lowest_norm)
        m = self.lowest_margin + k * (a - self.lowest_norm)
        value, slope = arc(t, m)
        by_margin = -t * np.sin(m) - np.sqrt(np.maximum(0, 1 - t * t)) * np.cos(m)
        keep = t > (0.0 if self.variant == "ref" else np.cos(math.pi - m))
        drop = m * np.sin(m) if self.variant == "mm" else np.zeros_like(m)
        drop_slope = np.sin(m) + m * np.cos(m) if self.variant == "mm" else np.zeros_like(m)
        out = with_target(
            cosine,
            np.ones_like(cosine),
            labels,
            np.where(keep, value, t - drop),
            np.where(keep, slope, 1.0),
            self.scale,
        )
        out.norm_slope = np.zeros_like(cosine)
        out.norm_slope[np.arange(len(t)), labels] = self.scale * np.where(keep, by_margin, -drop_slope) * k * inside
        out.penalty = self.penalty_weight * (a / self.highest_norm**2 + 1 / a).mean()
        out.penalty_norm_slope = self.penalty_weight * (1 / self.highest_norm**2 - 1 / a**2) * inside / len(t)
        return out
