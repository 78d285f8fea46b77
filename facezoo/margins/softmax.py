"""Softmax: a plain linear classifier with bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import cross_entropy


@dataclass(frozen=True, kw_only=True)
class SoftmaxMargin(Margin):
    """No margin, no normalisation; the bias starts at 0."""

    name: ClassVar[str] = "Softmax"
    module: ClassVar[str] = "softmax"
    family: ClassVar[str] = "linear"
    paper: ClassVar[str] = "standard"
    equation: ClassVar[str] = "z_j = W_j x + b_j"

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        x, w = np.asarray(embeddings, np.float64), np.asarray(state["weight"], np.float64)
        logits = x @ w.T + state["bias"]  # (N, C)

        losses, slope = cross_entropy(logits, labels, **criterion)
        slope /= len(labels)
        parameters = {"weight": slope.T @ x, "bias": slope.sum(axis=0)}
        return Gradients(float(losses.mean()), logits, slope @ w, parameters, {})
