"""Center loss: distance of embeddings to a running center of their class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Gradients, Margin


@dataclass(frozen=True, kw_only=True)
class CenterMargin(Margin):
    """Center loss, an auxiliary term: ``extra={"Center": 0.003}`` beside a classifier is the paper's λ.

    State ``centers`` (C, E) starts at 0; a training call updates it after the loss, by the paper's rule.

    * ``ref``: sum over the batch, as in the paper, so that the effective λ grows with N
    * ``mean_half``: mean over the batch

    Attributes:
        alpha: α, step size of the centers, 0 to 1.
    """

    name: ClassVar[str] = "Center"
    module: ClassVar[str] = "center"
    family: ClassVar[str] = "metric"
    paper: ClassVar[str] = (
        "Wen, Zhang, Li, Qiao, A Discriminative Feature Learning Approach for Deep Face Recognition, ECCV 2016, "
        "eq. 2 to 4"
    )
    equation: ClassVar[str] = "loss = ½ Σ_i |x_i - c_y|²;  c_j ← c_j - α Σ_{y_i=j} (c_j - x_i) / (1 + n_j)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "mean_half": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"alpha": (0.0, 1.0)}

    alpha: float = 0.5

    least_classes: ClassVar[int] = 1

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Empty: there are no trained parameters."""
        return {}

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        x, centers = np.asarray(embeddings, np.float64), np.array(state["centers"], np.float64)
        apart = x - centers[labels]
        share = 1 if self.variant == "ref" else len(x)
        loss = 0.5 * (apart**2).sum() / share
        for j in np.unique(labels):
            members = apart[labels == j]
            centers[j] += self.alpha * members.sum(axis=0) / (1 + len(members))
        return Gradients(float(loss), None, apart / share, {}, {"centers": centers})
