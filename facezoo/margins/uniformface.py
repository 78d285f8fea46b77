"""UniformFace: class centers repelled from each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import normalise, through_normalise


@dataclass(frozen=True, kw_only=True)
class UniformFaceMargin(Margin):
    """Mean repulsion over all pairs of class weights; identical ones give 1 with gradient 0. An auxiliary term.

    * ``ref``: distances of the weights as they are
    * ``normalised``: of the normalised weights
    """

    name: ClassVar[str] = "UniformFace"
    module: ClassVar[str] = "uniformface"
    family: ClassVar[str] = "regulariser"
    paper: ClassVar[str] = "Duan, Lu, Zhou, UniformFace, CVPR 2019, eq. 6"
    equation: ClassVar[str] = "loss = 1 / (C (C - 1)) Σ_{i≠j} 1 / (|c_i - c_j| + 1)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "normalised": {}}

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        centers = np.asarray(state["weight"], np.float64)
        hat, norms = normalise(centers)
        rows = hat if self.variant == "normalised" else centers
        apart = rows[:, None] - rows[None, :]  # (C, C, E)
        distance = np.linalg.norm(apart, axis=2)
        repulsion = 1 / (distance + 1)
        np.fill_diagonal(repulsion, 0)
        count = max(len(rows) * (len(rows) - 1), 1)
        slope = np.where(distance > 1e-7, -(repulsion**2) / np.where(distance > 1e-7, distance, 1.0), 0.0) / count
        gradient = 2 * (slope[:, :, None] * apart).sum(axis=1)
        if self.variant == "normalised":
            gradient = through_normalise(gradient, hat, norms)
        return Gradients(float(repulsion.sum() / count), None, np.zeros(embeddings.shape), {"weight": gradient}, {})
