"""Focal: the linear classifier with the focal criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import cross_entropy, focal


@dataclass(frozen=True, kw_only=True)
class FocalMargin(Margin):
    """Linear classifier with lower weights of easy samples; every classification head has this criterion as an option.

    * ``ref``: one factor per sample, with gradient
    * ``batch_mean_faceevolve``: cross-entropy averaged over the batch first, one factor on the mean, as face.evoLVe and
      CurricularFace's code do; not a focal loss
    """

    name: ClassVar[str] = "Focal"
    module: ClassVar[str] = "focal"
    family: ClassVar[str] = "linear"
    paper: ClassVar[str] = (
        "Lin, Goyal, Girshick, He, Dollár, Focal Loss for Dense Object Detection, ICCV 2017, arXiv 1708.02002, eq. 4"
    )
    equation: ClassVar[str] = "loss = mean_i (1 - p_i)^γ l_i,  l_i = -ln p_i the cross-entropy of z = W x + b"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "batch_mean_faceevolve": {}}
    criteria: ClassVar[tuple[str, ...]] = ("focal",)

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        x, w = np.asarray(embeddings, np.float64), np.asarray(state["weight"], np.float64)
        logits = x @ w.T + state["bias"]  # (N, C)

        if self.variant == "ref":
            losses, slope = cross_entropy(logits, labels, **{**criterion, "criterion": "focal"})
            loss, factor = losses.mean(), np.ones(())
        else:
            gamma = criterion.get("focal_gamma", 2.0)
            losses, slope = cross_entropy(logits, labels, label_smoothing=criterion.get("label_smoothing", 0.0))
            loss, factor = focal(losses.mean(), gamma)
        slope *= factor / len(labels)
        parameters = {"weight": slope.T @ x, "bias": slope.sum(axis=0)}
        return Gradients(float(loss), logits, slope @ w, parameters, {})
