"""Focal: the linear classifier under the focal criterion."""

from __future__ import annotations

import torch

from facezoo.backends.torch.heads.criterion import Reduce, cross_entropy, focal
from facezoo.backends.torch.heads.margin import LinearHead


class Focal(LinearHead):
    """Linear classifier whose easy samples count less (Lin et al., ICCV 2017).

    The factor is each sample's own. "batch_mean_faceevolve" averages the cross-entropy over the batch first and applies
    one factor to the mean, as face.evoLVe does; it needs the whole batch, and is not a focal loss.

    Args:
        embedding_size: E.
        num_classes: C.
        variant: "ref" or "batch_mean_faceevolve".
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
