"""ElasticFace: a random margin per sample."""

from __future__ import annotations

import math
from functools import partial

import paddle

from facezoo.backends.paddle.heads.criterion import Reduce
from facezoo.backends.paddle.heads.margin import MarginHead, arc, replace_target

DEFAULTS = {"arc": (0.5, 0.05, 0.0175), "cos": (0.35, 0.05, 0.02)}  # kind -> mean, deviation, deviation of plus
RANGE, STEP, MULTIPLIER = 2**32, 0x9E3779B9, 0x45D9F3B  # of the hash
whole = partial(paddle.full, [], dtype="int64")  # a number as a tensor ()


def mixed(state: paddle.Tensor, value: paddle.Tensor) -> paddle.Tensor:
    """A hash of two values of 32 bits, int64; a static graph would round numbers to float32, so they are tensors."""
    size, step, multiplier, half = (whole(number) for number in (RANGE, STEP, MULTIPLIER, 2**16))
    x = (state + value + step) % size
    x = ((x // half) ^ x) * multiplier % size
    x = ((x // half) ^ x) * multiplier % size
    return (x // half) ^ x


def normal_values(seed: int, step: paddle.Tensor, count: int) -> paddle.Tensor:
    """Independent standard normal values (count,), float64, by Box and Muller from hashed counters."""
    state = mixed(mixed(step.astype("int64"), whole(seed % RANGE)), whole(seed // RANGE))
    first = 2 * paddle.arange(count, dtype="int64")
    u, v = ((mixed(mixed(state, at), whole(STEP)).astype("float64") + 0.5) / RANGE for at in (first, first + 1))
    return paddle.sqrt(-2 * paddle.log(u)) * paddle.cos(2 * math.pi * v)


def by_rank(margins: paddle.Tensor, target_cosine: paddle.Tensor, variant: str) -> paddle.Tensor:
    """Margins (N,) sorted, then indexed by the rank of each target cosine, or by the order for "plus_author_repo".

    Cosines that differ by rounding only are in the order of the batch, so that every backend has the same order.
    """
    order = paddle.argsort(paddle.round(-target_cosine.detach() * 2**20), stable=True)
    return paddle.sort(margins)[order if variant == "plus_author_repo" else paddle.argsort(order)]


def elasticface_logits(
    cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, *, margins: paddle.Tensor, kind: str,
    scale: float, variant: str = "ref",
) -> paddle.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines and one margin per sample (N,).

    "plus" assigns the margins by rank: the highest target cosine gets the smallest. "plus_author_repo" indexes the
    sorted margins by the order instead of the rank, as the authors' release does.
    """
    given = margins if variant == "ref" else by_rank(margins, target_cosine, variant)
    value = arc(target_cosine, given) if kind == "arc" else target_cosine - given
    return scale * replace_target(cosine, target, value)


class ElasticFace(MarginHead):
    """Elastic margin (Boutros et al., CVPRW 2022, arXiv 2109.09416, eq. 6 and 7).

    Embeddings and class weights are normalised; theta_j is the angle between the embedding and the weight of class j::

        M ~ N(margin, sigma^2)                 one per sample, not clamped
        z_y = s cos(theta_y + M)               kind "arc"; y: the label
        z_y = s (cos(theta_y) - M)             kind "cos"
        z_j = s cos(theta_j)                   j != y
        loss = cross-entropy of z

    The margins of call n depend on (seed, n, place in the batch) only, where n is buffer ``step``, so both backends and
    every part of a split head draw the same ones. ``sample_margins``, if set, replaces them.

    Variants:

    * "ref": margins in the order drawn
    * "plus": assigned by rank, the highest cos(theta_y) gets the smallest margin
    * "plus_author_repo": the sorted margins indexed by the sorting order instead of the rank, as the authors' release

    Args:
        embedding_size: E.
        num_classes: C.
        kind: "arc" (margin added to the angle) or "cos" (margin subtracted from the cosine).
        margin: mean of the margins, 0 to pi/2; None: 0.5 for arc, 0.35 for cos.
        sigma: their standard deviation, 0 to 1; None: 0.05, and 0.0175 (arc) or 0.02 (cos) for the plus variants.
        scale: s, above 0.
        seed: of the random margins, 0 or more.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "plus", "plus_author_repo")
    step: paddle.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, kind: str = "arc", margin: float | None = None,
        sigma: float | None = None, scale: float = 64.0, seed: int = 0, variant: str = "ref",
        criterion: str = "softmax", label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.kind = kind
        self.scale = scale
        self.seed = seed
        if kind not in DEFAULTS:
            raise ValueError(f"ElasticFace has no kind {kind!r}; known: {', '.join(DEFAULTS)}")
        self.margin = DEFAULTS[kind][0] if margin is None else margin
        self.sigma = DEFAULTS[kind][1 if variant == "ref" else 2] if sigma is None else sigma
        self.sample_margins: paddle.Tensor | None = None
        self.register_buffer("step", paddle.to_tensor(0.0, dtype="float64"))

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        margins = self.draw(len(cosine)) if self.sample_margins is None else self.sample_margins
        return elasticface_logits(
            cosine, target, target_cosine, margins=margins.astype(cosine.dtype), kind=self.kind, scale=self.scale,
            variant=self.variant,
        )  # fmt: skip

    def draw(self, count: int) -> paddle.Tensor:
        """Margins (count,) of this call, float64."""
        drawn = self.margin + self.sigma * normal_values(self.seed, self.step, count)
        if self.training:
            with paddle.no_grad():
                self.step.set_value(self.step + 1)
        return drawn
