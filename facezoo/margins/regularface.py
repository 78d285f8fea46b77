"""RegularFace: class weights repelled from their nearest neighbour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import normalise, through_normalise


@dataclass(frozen=True, kw_only=True)
class RegularFaceMargin(Margin):
    """Exclusive regularisation of class weights; the gradient reaches both rows of each pair. An auxiliary term."""

    name: ClassVar[str] = "RegularFace"
    module: ClassVar[str] = "regularface"
    family: ClassVar[str] = "regulariser"
    paper: ClassVar[str] = "Zhao, Xu, Cheng, RegularFace, CVPR 2019, eq. 5"
    equation: ClassVar[str] = "loss = mean_i max_{j≠i} W_i·W_j, rows normalised"

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        hat, norms = normalise(np.asarray(state["weight"], np.float64))
        product = hat @ hat.T
        np.fill_diagonal(product, -np.inf)
        nearest = product.argmax(axis=1)
        by_hat = hat[nearest] / len(hat)
        np.add.at(by_hat, nearest, hat / len(hat))
        gradient = through_normalise(by_hat, hat, norms)
        return Gradients(float(product.max(axis=1).mean()), None, np.zeros(embeddings.shape), {"weight": gradient}, {})
