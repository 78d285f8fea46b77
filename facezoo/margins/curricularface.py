"""CurricularFace: hard negatives get higher weights during training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, arc_monotone, with_target


@dataclass(frozen=True, kw_only=True)
class CurricularFaceMargin(Margin):
    """ArcFace with a curriculum over hard negatives, those above cos(θ_y + m).

    State ``t`` is a running mean of the target cosine, without gradient.

    * ``ref``: t is updated, then used
    * ``update_after_use``: used, then updated, the order of the paper's algorithm
    * ``ref_t0_0.3``: ``ref`` from t = 0.3

    Attributes:
        margin: m in radians, 0 to π/2.
        scale: s, above 0.
        momentum: weight of the new mean in t, 0 to 1.
        initial_t: t at the start, -1 to 1.
    """

    name: ClassVar[str] = "CurricularFace"
    module: ClassVar[str] = "curricularface"
    paper: ClassVar[str] = (
        "Huang, Wang, Tai, Liu, Shen, Li, Li, Huang, CurricularFace, CVPR 2020, arXiv 2004.00288, eq. 5 to 8"
    )
    equation: ClassVar[str] = "z_y as in ArcFace;  z_j = s c if c ≤ cos(θ_y + m) else s c (t + c),  c = cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ref": {},
        "update_after_use": {},
        "ref_t0_0.3": {"initial_t": 0.3},
    }
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, math.pi / 2),
        "scale": (1e-3, 1e4),
        "momentum": (0.0, 1.0),
        "initial_t": (-1.0, 1.0),
    }

    margin: float = 0.5
    scale: float = 64.0
    momentum: float = 0.01
    initial_t: float = 0.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        before = float(state["t"])
        after = self.momentum * t.mean() + (1 - self.momentum) * before
        now = before if self.variant == "update_after_use" else after
        hard = cosine > arc(t, self.margin)[0][:, None]
        value, slope = arc_monotone(t, self.margin)
        negatives, slopes = np.where(hard, cosine * (now + cosine), cosine), np.where(hard, now + 2 * cosine, 1.0)
        out = with_target(negatives, slopes, labels, value, slope, self.scale)
        out.state = {"t": np.array(after)}
        return out
