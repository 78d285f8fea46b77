"""Sub-center ArcFace: several centers per class, of which the nearest one is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference, draw_weight
from facezoo.margins.reference import arc, arc_monotone, with_target


@dataclass(frozen=True, kw_only=True)
class SubCenterArcFaceMargin(Margin):
    """ArcFace over the nearest of K sub-centers of each class; ``weight`` has shape (C, K, E).

    * ``ref``: past π - m the target logit is s (cos θ - m sin m)
    * ``no_fallback``: cos(θ + m) everywhere, as the authors' mxnet graph

    Attributes:
        margin: m in radians, 0 to π/2.
        scale: s, above 0.
        centers: K, 1 to 100.
    """

    name: ClassVar[str] = "SubCenterArcFace"
    module: ClassVar[str] = "subcenterarcface"
    paper: ClassVar[str] = "Deng, Guo, Liu, Gong, Zafeiriou, Sub-center ArcFace, ECCV 2020, eq. 3"
    equation: ClassVar[str] = "z as in ArcFace with cos θ_j = max_k x·W_jk"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "no_fallback": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, math.pi / 2),
        "scale": (1e-3, 1e4),
        "centers": (1, 100),
    }

    margin: float = 0.5
    scale: float = 64.0
    centers: int = 3

    @property
    def one_row(self) -> bool:
        """Always false: ``weight`` has K rows per class, also for K = 1."""
        return False

    @property
    def divisible(self) -> bool:
        """Always true: the K rows of a class stay together."""
        return True

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Initial values of weight."""
        return draw_weight((num_classes, self.centers, embedding_size), seed, rows)

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        value, slope = arc(t, self.margin) if self.variant == "no_fallback" else arc_monotone(t, self.margin)
        return with_target(cosine, np.ones_like(cosine), labels, value, slope, self.scale)
