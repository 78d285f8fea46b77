"""NPCFace: the margin of the target depends on the hard negatives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, with_target


@dataclass(frozen=True, kw_only=True)
class NPCFaceMargin(Margin):
    """Negative-positive collaborative margin; the sample's margin m̃ carries no gradient.

    Attributes:
        margin: mining margin m in radians, 0 to π/2: a negative above cos(θ_y + m) is hard.
        scale: s, above 0.
        m0: target margin without hard negatives, 0 to π/2.
        m1: factor of the mean cosine of the hard negatives, 0 to 1.
        tau: τ, slope of hard negatives, above 0 to 10.
        shift: a, added to hard negatives, 0 to 1.
    """

    name: ClassVar[str] = "NPCFace"
    module: ClassVar[str] = "npcface"
    paper: ClassVar[str] = "Zeng, Shi, Du, Wang, Lei, Mei, NPCFace, arXiv 2007.10172 (2020), eq. 7 to 9"
    equation: ClassVar[str] = (
        "z_y = s cos(θ_y + m̃) if cos θ_y > 0 else s cos θ_y, m̃ = m0 + m1 mean_H cos θ_j;  z_j = s (τ cos θ_j + "
        "a) in H, else s cos θ_j"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, math.pi / 2),
        "scale": (1e-3, 1e4),
        "m0": (0.0, math.pi / 2),
        "m1": (0.0, 1.0),
        "tau": (1e-3, 10.0),
        "shift": (0.0, 1.0),
    }

    margin: float = 0.5
    scale: float = 64.0
    m0: float = 0.40
    m1: float = 0.20
    tau: float = 1.1
    shift: float = 0.2

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        hard = cosine > arc(t, self.margin)[0][:, None]
        hard[np.arange(len(t)), labels] = False
        mean = np.where(hard, cosine, 0.0).sum(axis=1) / np.maximum(1, hard.sum(axis=1))
        value, slope = arc(t, self.m0 + self.m1 * mean)
        keep = t > 0
        negatives, slopes = np.where(hard, self.tau * cosine + self.shift, cosine), np.where(hard, self.tau, 1.0)
        return with_target(negatives, slopes, labels, np.where(keep, value, t), np.where(keep, slope, 1.0), self.scale)
