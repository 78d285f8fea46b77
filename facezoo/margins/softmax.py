"""Softmax: a plain linear classifier with bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin
from facezoo.margins.reference import cross_entropy


@dataclass(frozen=True, kw_only=True)
class SoftmaxMargin(Margin):
    """No margin, no normalisation; the bias starts at 0."""

    name: ClassVar[str] = "Softmax"
    module: ClassVar[str] = "softmax"
    kind: ClassVar[str] = "linear"
    paper: ClassVar[str] = "standard"
    equation: ClassVar[str] = "z_j = W_j x + b_j"

    def oracle(
        self,
        embeddings: np.ndarray,
        labels: np.ndarray,
        *,
        weight: np.ndarray,
        bias: np.ndarray,
        **criterion: Any,
    ) -> dict[str, np.ndarray]:
        """Loss, logits and gradients in float64."""
        logits = embeddings @ weight.T + bias  # (N, C)
        losses, slope = cross_entropy(logits, labels, **criterion)
        slope /= len(labels)
        return {
            "loss": losses.mean(), "logits": logits, "embeddings": slope @ weight,
            "weight": slope.T @ embeddings, "bias": slope.sum(axis=0),
        }  # fmt: skip
