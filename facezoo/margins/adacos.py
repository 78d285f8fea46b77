"""AdaCos: cosines without margin and an adaptive scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class AdaCosMargin(Margin):
    """Adaptively scaled cosine logits; no margin, no momentum.

    State ``s`` is set from each training batch before use; ``fixed`` keeps its initial value √2 ln(C - 1). The median
    of an even batch is the lower one.
    """

    name: ClassVar[str] = "AdaCos"
    module: ClassVar[str] = "adacos"
    paper: ClassVar[str] = "Zhang, Zhao, Qiao, Wang, Li, AdaCos, CVPR 2019, arXiv 1905.00292, eq. 15"
    equation: ClassVar[str] = (
        "z_j = s cos θ_j;  s = ln B / cos(min(π/4, median θ_y)),  B = mean_i Σ_{j≠y} exp(s_old cos θ_j)"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "fixed": {}}
    least_classes: ClassVar[int] = 3

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        s = float(state["s"])
        if self.variant == "ref":
            total = np.exp(s * cosine).sum() - np.exp(s * t).sum()
            angles = np.sort(np.arccos(np.clip(t, -1 + 1e-7, 1 - 1e-7)))
            median = angles[(len(t) - 1) // 2]
            s = max(math.log(total / len(t)) / math.cos(min(math.pi / 4, median)), 1e-3)
        return Reference(s * cosine, np.full_like(cosine, s), state={"s": np.array(s)})
