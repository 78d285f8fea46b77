"""ElasticFace: a random margin per sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facezoo.margins.base import Margin, Reference
from facezoo.margins.reference import arc, with_target

RANGE, STEP, MULTIPLIER = 2**32, 0x9E3779B9, 0x45D9F3B  # of the hash


def mixed(state: Any, value: Any) -> Any:
    """A hash of two values of 32 bits; numbers or int64 arrays."""
    x = (state + value + STEP) % RANGE
    x = ((x // 2**16) ^ x) * MULTIPLIER % RANGE
    x = ((x // 2**16) ^ x) * MULTIPLIER % RANGE
    return (x // 2**16) ^ x


def normal_values(seed: int, step: int, count: int) -> np.ndarray:
    """Independent standard normal values (count,), float64, by Box and Muller from hashed counters."""
    state = mixed(mixed(step, seed % RANGE), seed // RANGE)
    first = 2 * np.arange(count, dtype=np.int64)
    u, v = ((mixed(mixed(state, at), STEP) + 0.5) / RANGE for at in (first, first + 1))
    values: np.ndarray = np.sqrt(-2 * np.log(u)) * np.cos(2 * math.pi * v)
    return values


@dataclass(frozen=True, kw_only=True)
class ElasticFaceMargin(Margin):
    """Elastic margin: M ~ N(m, σ²) per sample, not clamped, without gradient.

    State ``step`` counts training calls; the margins of a call depend on (seed, step, place in the batch) only, so both
    backends and all parts draw the same ones.

    * ``ref``: margins as drawn
    * ``plus``: by rank, the highest target cosine gets the smallest margin
    * ``plus_author_repo``: sorted margins indexed by the order instead of the rank, as the authors' release does

    Attributes:
        kind: "arc" (margin added to the angle) or "cos" (margin subtracted from the cosine).
        margin: m, 0 to π/2; None: 0.5 for arc, 0.35 for cos.
        sigma: σ, 0 to 1; None: 0.05, and for the plus variants 0.0175 (arc) or 0.02 (cos).
        scale: s, above 0.
        seed: of the random margins, 0 or more.
    """

    name: ClassVar[str] = "ElasticFace"
    module: ClassVar[str] = "elasticface"
    paper: ClassVar[str] = (
        "Boutros, Damer, Kirchbuchner, Kuijper, ElasticFace, CVPRW 2022, arXiv 2109.09416, eq. 6 to 7"
    )
    equation: ClassVar[str] = "z_y = s cos(θ_y + M) or s (cos θ_y - M);  z_j = s cos θ_j"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}, "plus": {}, "plus_author_repo": {}}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "margin": (0.0, math.pi / 2),
        "sigma": (0.0, 1.0),
        "scale": (1e-3, 1e4),
        "seed": (0, 2**63),
    }
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"kind": ("arc", "cos")}
    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ElasticFaceArc": {"kind": "arc"},
        "ElasticFaceCos": {"kind": "cos"},
        "ElasticArcFace": {"kind": "arc"},
        "ElasticCosFace": {"kind": "cos"},
    }

    kind: str = "arc"
    margin: float | None = None
    sigma: float | None = None
    scale: float = 64.0
    seed: int = 0

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes in float64."""
        t = cosine[np.arange(len(labels)), labels]

        mean, *deviations = {"arc": (0.5, 0.05, 0.0175), "cos": (0.35, 0.05, 0.02)}[self.kind]
        mean = mean if self.margin is None else self.margin
        sigma = deviations[self.variant != "ref"] if self.sigma is None else self.sigma
        step = int(state["step"])
        margins = mean + sigma * normal_values(self.seed, step, len(t))
        if "sample_margins" in state:  # given ones
            margins, step = np.asarray(state["sample_margins"], np.float64), step - 1
        if self.variant != "ref":
            order = np.argsort(np.round(-t * 2**20), kind="stable")  # cosines equal up to rounding: as in the batch
            margins = np.sort(margins)[order if self.variant == "plus_author_repo" else np.argsort(order)]
        value, slope = arc(t, margins) if self.kind == "arc" else (t - margins, np.ones_like(t))
        out = with_target(cosine, np.ones_like(cosine), labels, value, slope, self.scale)
        out.state = {"step": np.array(step + 1.0)}
        return out
