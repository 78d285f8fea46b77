"""SphereFace: the target angle is multiplied, annealed from plain logits."""

from __future__ import annotations

import math

import torch

from facezoo.backends.torch.heads.criterion import Reduce
from facezoo.backends.torch.heads.margin import MarginHead, replace_target


def sphereface_psi(cosine: torch.Tensor, margin: int) -> torch.Tensor:
    """(-1)^k cos(m θ) - 2 k, with θ in the k-th of m segments; cos(m θ) as Chebyshev's polynomial."""
    before, multiple = torch.ones_like(cosine), cosine
    for _ in range(margin - 1):
        before, multiple = multiple, 2 * cosine * multiple - before
    segment = torch.floor(margin * torch.acos(cosine.detach()) / math.pi).clamp(max=margin - 1)  # k
    return (1 - 2 * (segment % 2)) * multiple - 2 * segment


def sphereface_logits(
    cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor, *, margin: int,
    annealing: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """Logits (N, C_local) from cosines and lengths of the embeddings; ``annealing`` is λ."""
    value = target_cosine + (sphereface_psi(target_cosine, margin) - target_cosine) / (1 + annealing)
    return norm[:, None] * replace_target(cosine, target, value)


class SphereFace(MarginHead):
    """A-Softmax (Liu et al., CVPR 2017, arXiv 1704.08063, eq. 7), with the annealing of the authors' release.

    Class weights are normalised, embeddings x are not; theta_j is the angle between x and the weight of class j::

        psi = (-1)^k cos(m theta_y) - 2 k      y: the label; theta_y in k pi / m .. (k + 1) pi / m
        z_y = |x| (cos(theta_y) + (psi - cos(theta_y)) / (1 + lambda))
        z_j = |x| cos(theta_j)                 j != y
        lambda = max(lambda_min, base (1 + gamma n)^-power)
        loss = cross-entropy of z

    Buffer ``iter`` is n, the number of training calls, and part of the state.

    Args:
        embedding_size: E.
        num_classes: C.
        margin: m, an integer, 1 to 8.
        base: lambda before the first iteration, 0 or more.
        gamma: growth of the denominator, 0 or more.
        power: exponent of the denominator, 0 or more.
        lambda_min: lowest lambda, 0 or more.
        variant: "ref".
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    iter: torch.Tensor

    def __init__(
        self, embedding_size: int, num_classes: int, *, margin: int = 4, base: float = 1000.0, gamma: float = 0.12,
        power: float = 1.0, lambda_min: float = 5.0, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.margin = margin
        self.base = base
        self.gamma = gamma
        self.power = power
        self.lambda_min = lambda_min
        self.register_buffer("iter", torch.tensor(0.0, dtype=torch.float64))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        if self.training:
            with torch.no_grad():
                self.iter.view(1).copy_(self.iter + 1)
        return sphereface_logits(
            cosine, target, target_cosine, norm, margin=self.margin, annealing=self.annealing().to(cosine.dtype)
        )

    def annealing(self) -> torch.Tensor:
        """λ of the current iteration, a scalar."""
        return (self.base * (1 + self.gamma * self.iter) ** -self.power).clamp(min=self.lambda_min)
