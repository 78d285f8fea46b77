"""What a training step computes on each process: one network for one reducer of all gradients."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backends.torch.distillation import Distiller


class Objective(nn.Module):
    """Backbone, loss head and distillation as one module.

    Args:
        backbone: images to embeddings.
        head: embeddings and labels to the loss; None where the head is divided and works outside of this module.
        distiller: embeddings and the teacher's to a second loss; None without a teacher.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module | None, distiller: Distiller | None) -> None:
        super().__init__()
        self.backbone, self.head, self.distiller = backbone, head, distiller

    def forward(
        self, images: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The head's loss, or the embeddings where the head is outside; and the loss of distillation, or None."""
        embeddings = self.backbone(images)
        distance = None
        if self.distiller is not None and targets is not None:
            distance = self.distiller(embeddings, targets)
        return embeddings if self.head is None else self.head(embeddings, labels), distance
