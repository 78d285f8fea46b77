"""Intra-class angle: the mean angle between embeddings and their class weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import normalise, sine, through_normalise


@dataclass(frozen=True, kw_only=True)
class IntraClassAngleMargin(Margin):
    """Mean target angle; the gradient is 0 at angles 0 and π, where its direction is undefined. An auxiliary term.

    * ``ref``: in radians
    * ``arcface_paper``: divided by π, as in ArcFace's ablation
    """

    name: ClassVar[str] = "IntraClassAngle"
    module: ClassVar[str] = "intraclassangle"
    family: ClassVar[str] = "regulariser"
    paper: ClassVar[str] = "Deng, Guo, Xue, Zafeiriou, ArcFace, CVPR 2019, arXiv 1801.07698, eq. 5"
    equation: ClassVar[str] = "loss = mean_i arccos(x_i·W_y)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "arcface_paper": {}}

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        hat, norms = normalise(np.asarray(embeddings, np.float64))
        w_hat, w_norms = normalise(np.asarray(state["weight"], np.float64)[labels])
        cosine = np.clip((hat * w_hat).sum(axis=1), -1, 1)
        factor = 1 / math.pi if self.variant == "arcface_paper" else 1.0
        height = sine(cosine)
        slope = np.where(height > 0, -factor / np.where(height > 0, height, 1.0), 0.0)[:, None] / len(hat)
        gradient = np.zeros(np.shape(state["weight"]))
        np.add.at(gradient, labels, through_normalise(slope * hat, w_hat, w_norms))
        by_x = through_normalise(slope * w_hat, hat, norms)
        return Gradients(float(factor * np.arctan2(height, cosine).mean()), None, by_x, {"weight": gradient}, {})
