"""MV-Softmax: mis-classified vectors get higher weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, with_target


@dataclass(frozen=True, kw_only=True)
class MVSoftmaxMargin(Margin):
    """Mis-classified vector guided softmax; negatives above the target with its margin are hard.

    * ``ref``: w = 1.12 (FaceX-Zoo); the target gets its margin where cos θ > m (am) or cos θ > 0 (arc)
    * ``author_repo``: w = 1.2; where cos θ > 0 for both kinds

    Attributes:
        kind: "am" (margin subtracted from the cosine) or "arc" (margin added to the angle).
        margin: m, 0 to 1.
        scale: s, above 0.
        weight_of_hard: w = 1 + t of the paper, 1 or more.
    """

    name: ClassVar[str] = "MVSoftmax"
    module: ClassVar[str] = "mvsoftmax"
    paper: ClassVar[str] = (
        "Wang, Zhang, Wang, Fu, Shi, Mei, Mis-classified Vector Guided Softmax Loss, AAAI 2020, arXiv 1912.00833, "
        "eq. 8 to 10"
    )
    equation: ClassVar[str] = (
        "z_y = s f if the rule holds else s cos θ_y, f = cos θ_y - m or cos(θ_y + m);  z_j = s (w cos θ_j + w - 1)"
        " if cos θ_j > f else s cos θ_j"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "author_repo": {"weight_of_hard": 1.2}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, 1.0),
        "scale": (1e-3, 1e4),
        "weight_of_hard": (1.0, 10.0),
    }
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"kind": ("am", "arc")}
    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "MVAMSoftmax": {"kind": "am"},
        "MVArcSoftmax": {"kind": "arc"},
        "MVSoftmaxAM": {"kind": "am"},
        "MVSoftmaxArc": {"kind": "arc"},
    }

    kind: str = "am"
    margin: float = 0.35
    scale: float = 32.0
    weight_of_hard: float = 1.12

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        value, slope = (t - self.margin, np.ones_like(t)) if self.kind == "am" else arc(t, self.margin)
        w = self.weight_of_hard
        hard = cosine > value[:, None]
        negatives, slopes = np.where(hard, w * cosine + w - 1, cosine), np.where(hard, w, 1.0)
        keep = t > (self.margin if self.kind == "am" and self.variant == "ref" else 0.0)
        return with_target(negatives, slopes, labels, np.where(keep, value, t), np.where(keep, slope, 1.0), self.scale)
