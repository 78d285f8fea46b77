"""The combined margin: multiplied angle, added angle, subtracted cosine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, sine, with_target


@dataclass(frozen=True, kw_only=True)
class CombinedMarginMargin(Margin):
    """Combined angular margin; no fallback past π.

    * ``ref``: the formula, with its exact derivative; the paper's sets are (1, 0.3, 0.2) and (0.9, 0.4, 0.15)
    * ``insightface_torch_arc``: what InsightFace's PyTorch class does for m1 = 1, m3 = 0: ArcFace's values, the
      gradient of plain cosine
    * ``insightface_torch_ignores_m2``: what it does for m3 > 0: CosFace with m3, whatever m1 and m2

    Attributes:
        m1: factor of the angle, 0 to 8.
        m2: added to the angle in radians, 0 to π/2.
        m3: subtracted from the cosine, 0 to 1.
        scale: s, above 0.
    """

    name: ClassVar[str] = "CombinedMargin"
    module: ClassVar[str] = "combinedmargin"
    paper: ClassVar[str] = "Deng, Guo, Xue, Zafeiriou, ArcFace, CVPR 2019, arXiv 1801.07698, eq. 4"
    equation: ClassVar[str] = "z_y = s (cos(m1 θ_y + m2) - m3);  z_j = s cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ref": {},
        "insightface_torch_arc": {"m1": 1.0, "m2": 0.5, "m3": 0.0},
        "insightface_torch_ignores_m2": {},
    }
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "m1": (0.0, 8.0),
        "m2": (0.0, math.pi / 2),
        "m3": (0.0, 1.0),
        "scale": (1e-3, 1e4),
    }

    m1: float = 1.0
    m2: float = 0.3
    m3: float = 0.2
    scale: float = 64.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        slope = np.ones_like(t)
        if self.variant == "insightface_torch_ignores_m2":
            value = t - self.m3
        elif self.variant == "insightface_torch_arc":
            value = arc(t, self.m2)[0]
        else:
            height = sine(t)
            angle = np.arctan2(height, t)
            value = np.cos(self.m1 * angle + self.m2) - self.m3
            slope = self.m1 * np.sin(self.m1 * angle + self.m2) / np.where(height > 0, height, np.inf)
        return with_target(cosine, np.ones_like(cosine), labels, value, slope, self.scale)
