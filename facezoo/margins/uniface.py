"""UniFace: one bias separates all positive from all negative pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference


@dataclass(frozen=True, kw_only=True)
class UniFaceMargin(Margin):
    """Unified cross-entropy, the simple form; logits are clamped to -s..s in the loss, not in what ``logits`` returns.

    Parameter ``bias`` is a scalar, initially ln(10 C r).

    Attributes:
        margin: m, 0 to 1.
        scale: s, above 0.
        negative_weight: l, above 0.
        sampling_rate: r, share of the classes used per batch, above 0 to 1.
    """

    name: ClassVar[str] = "UniFace"
    module: ClassVar[str] = "uniface"
    paper: ClassVar[str] = "Zhou, Jia, Li, Shen, Duan, UniFace, ICCV 2023, eq. 9"
    equation: ClassVar[str] = (
        "loss = mean_i (softplus(-u_y) + l Σ_j softplus(u_j)), u_y = s (cos θ_y - m) - b, u_j = s cos θ_j - b"
    )
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, 1.0),
        "scale": (1e-3, 1e4),
        "negative_weight": (1e-6, 1e3),
        "sampling_rate": (1e-6, 1.0),
    }
    criteria: ClassVar[tuple[str, ...]] = ()

    margin: float = 0.4
    scale: float = 64.0
    negative_weight: float = 1.0
    sampling_rate: float = 1.0

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Initial values of weight and bias."""
        bias = np.float32(math.log(10 * num_classes * self.sampling_rate))
        return {**super().initial_state(embedding_size, num_classes, seed, rows), "bias": np.asarray(bias)}

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        rows = np.arange(len(labels))
        logits = self.scale * cosine - state["bias"]
        logits[rows, labels] -= self.scale * self.margin
        clamped = np.clip(logits, -self.scale, self.scale)
        sign = np.ones_like(cosine)
        sign[rows, labels] = -1
        factor = np.where(sign > 0, self.negative_weight, 1.0)
        losses = (factor * np.logaddexp(0.0, sign * clamped)).sum(axis=1)
        slope = factor * sign * np.exp(-np.logaddexp(0.0, -sign * clamped)) * (np.abs(logits) <= self.scale)
        return Reference(
            logits, np.full_like(cosine, self.scale), losses=losses, loss_slope=slope,
            parameters=lambda d_logits: {"bias": np.asarray(-d_logits.sum())},
        )  # fmt: skip
