"""CosFace: a margin subtracted from the target cosine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class CosFaceMargin(Margin):
    """Large margin cosine loss.

    Attributes:
        margin: m, 0 to 1.
        scale: s, above 0.
    """

    name: ClassVar[str] = "CosFace"
    module: ClassVar[str] = "cosface"
    paper: ClassVar[str] = "Wang, Wang, Zhou, Ji, Gong, Zhou, Li, Liu, CosFace, CVPR 2018, arXiv 1801.09414, eq. 4"
    equation: ClassVar[str] = "z_y = s (cos θ_y - m);  z_j = s cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "insightface": {"margin": 0.40}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"margin": (0.0, 1.0), "scale": (1e-3, 1e4)}

    margin: float = 0.35
    scale: float = 64.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        logits = self.scale * cosine
        logits[np.arange(len(labels)), labels] -= self.scale * self.margin
        return Reference(logits, np.full_like(cosine, self.scale))
