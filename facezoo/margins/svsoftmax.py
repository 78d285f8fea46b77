"""SV-Softmax: support vectors get higher weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, with_target


@dataclass(frozen=True, kw_only=True)
class SVSoftmaxMargin(Margin):
    """Support vector guided softmax; a negative above the target's own value is a support vector.

    Attributes:
        kind: "plain" (no margin), "am" (margin subtracted from the cosine) or "arc" (margin added to the angle).
        margin: m, 0 to 1. No effect for kind "plain".
        scale: s, above 0.
        weight_of_hard: t of the paper, 1 or more.
    """

    name: ClassVar[str] = "SVSoftmax"
    module: ClassVar[str] = "svsoftmax"
    paper: ClassVar[str] = (
        "Wang, Wang, Zhang, Fu, Shi, Mei, Support Vector Guided Softmax Loss, arXiv 1812.11317 (2018), eq. 4 to 8"
    )
    equation: ClassVar[str] = (
        "z_y = s f, f = cos θ_y, cos θ_y - m or cos(θ_y + m);  z_j = s (t cos θ_j + t - 1) if cos θ_j > f else s "
        "cos θ_j"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, 1.0),
        "scale": (1e-3, 1e4),
        "weight_of_hard": (1.0, 10.0),
    }
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"kind": ("plain", "am", "arc")}
    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "SVAMSoftmax": {"kind": "am"},
        "SVArcSoftmax": {"kind": "arc"},
        "SVSoftmaxAM": {"kind": "am"},
        "SVSoftmaxArc": {"kind": "arc"},
    }

    kind: str = "plain"
    margin: float = 0.35
    scale: float = 32.0
    weight_of_hard: float = 1.2

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        value, slope = t, np.ones_like(t)
        if self.kind != "plain":
            value, slope = (t - self.margin, slope) if self.kind == "am" else arc(t, self.margin)
        w = self.weight_of_hard
        hard = cosine > value[:, None]
        negatives, slopes = np.where(hard, w * cosine + w - 1, cosine), np.where(hard, w, 1.0)
        return with_target(negatives, slopes, labels, value, slope, self.scale)
