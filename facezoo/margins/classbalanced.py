"""Class-balanced weighting: samples of rare classes have higher weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.errors import ConfigError
from facezoo.margins.base import Gradients, Margin
from facezoo.margins.reference import cross_entropy


@dataclass(frozen=True, kw_only=True)
class ClassBalancedMargin(Margin):
    """Linear classifier with class-balanced cross-entropy, or the sample weights alone beside another head.

    * ``ref``: mean over the batch of weight times loss
    * ``normalised_to_C``: weights rescaled to sum to C, as the authors' released recipe
    * ``weighted_mean``: divided by the sum of the batch's weights, as the built-in class weights of the frameworks

    They differ by factors of 10 to 1000.

    Attributes:
        class_counts: n, images of each class, 1 or more; None: 1 each, the plain classifier.
        beta: β, 0 to below 1; the paper uses 0.9 to 0.9999.
    """

    name: ClassVar[str] = "ClassBalanced"
    module: ClassVar[str] = "classbalanced"
    family: ClassVar[str] = "linear"
    paper: ClassVar[str] = "Cui, Jia, Lin, Song, Belongie, Class-Balanced Loss, CVPR 2019, arXiv 1901.05555, eq. 5"
    equation: ClassVar[str] = "loss = mean_i ω_y l_i,  ω = (1 - β) / (1 - β^n)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "normalised_to_C": {}, "weighted_mean": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"beta": (0.0, 1 - 1e-12)}
    weighs: ClassVar[bool] = True

    class_counts: tuple[float, ...] | None = None
    beta: float = 0.999

    def check_classes(self, num_classes: int) -> None:
        """Raise ConfigError unless there is one count per class, each 1 or more."""
        super().check_classes(num_classes)
        counts = self.class_counts
        if counts is not None and (len(counts) != num_classes or min(counts) < 1):
            found = f"{len(counts)} entries, the lowest {min(counts, default=0)}"
            raise ConfigError(f"ClassBalanced: class_counts has {found}; expected {num_classes} entries of 1 or more")

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss and gradients in float64."""
        x, w = np.asarray(embeddings, np.float64), np.asarray(state["weight"], np.float64)
        logits = x @ w.T + state["bias"]  # (N, C)

        losses, slope = cross_entropy(logits, labels, **criterion)
        counts = np.asarray(state["class_counts"], np.float64)
        weights = (1 - self.beta) / -np.expm1(counts * np.log1p(self.beta - 1)) if self.beta else np.ones_like(counts)
        if self.variant == "normalised_to_C":
            weights = weights * len(counts) / weights.sum()
        own = weights[labels]
        own = own / (own.sum() if self.variant == "weighted_mean" else len(labels))
        slope *= own[:, None]
        parameters = {"weight": slope.T @ x, "bias": slope.sum(axis=0)}
        return Gradients(float((own * losses).sum()), logits, slope @ w, parameters, {})
