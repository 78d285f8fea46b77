"""Focal: the linear classifier with the focal criterion."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce, cross_entropy, focal
from facezoo.backends.torch.heads.margin import LinearHead


class Focal(LinearHead):
    """Linear classifier under the focal loss (Lin et al., ICCV 2017, arXiv 1708.02002, eq. 4).

    Neither embeddings x nor class weights W are normalised::

        z_j = W_j . x + b_j
        l = cross-entropy of z, p = exp(-l)    per sample
        loss = mean of (1 - p)^focal_gamma l

    Variants:

    * "ref": as above; the factor carries gradient
    * "batch_mean_faceevolve": l is first averaged over the batch and gets one factor, as in face.evoLVe; this needs the
      whole batch and is not a focal loss

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of those above.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor.
    """

    variants = ("ref", "batch_mean_faceevolve")

    def __init__(
        self, embedding_size: int, num_classes: int, *, variant: str = "ref", criterion: str = "focal",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns."""
        if self.variant == "ref":
            return super().loss(logits, target, norm, reduce)
        losses = cross_entropy(
            logits, target, label_smoothing=self.label_smoothing, num_classes=self.num_classes, reduce=reduce
        )
        return focal(self.weigh(losses, target, reduce).mean(), self.focal_gamma)
