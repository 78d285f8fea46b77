"""AM-Softmax: CosFace's function with another default scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class AMSoftmaxMargin(Margin):
    """Additive margin softmax; embeddings and weights are normalised.

    Attributes:
        margin: m, 0 to 1.
        scale: s, above 0.
    """

    name: ClassVar[str] = "AMSoftmax"
    module: ClassVar[str] = "amsoftmax"
    paper: ClassVar[str] = (
        "Wang, Cheng, Liu, Liu, Additive Margin Softmax for Face Verification, IEEE SPL 25(7) 2018, arXiv "
        "1801.05599, eq. 5"
    )
    equation: ClassVar[str] = "z_y = s (cos θ_y - m);  z_j = s cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "facexzoo": {"scale": 32.0}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"margin": (0.0, 1.0), "scale": (1e-3, 1e4)}

    margin: float = 0.35
    scale: float = 30.0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        logits = self.scale * cosine
        logits[np.arange(len(labels)), labels] -= self.scale * self.margin
        return Reference(logits, np.full_like(cosine, self.scale))
