"""What a training step computes on each process: one network for one reducer of all gradients."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.distillation import Distiller


class Objective(nn.Layer):
    """Backbone, loss head and distillation as one module.

    Args:
        backbone: images to embeddings.
        head: embeddings and labels to the loss; None where the head is divided and works outside of this module.
        distiller: embeddings and the teacher's to a second loss; None without a teacher.
    """

    def __init__(self, backbone: nn.Layer, head: nn.Layer | None, distiller: Distiller | None) -> None:
        super().__init__()
        self.backbone, self.head, self.distiller = backbone, head, distiller

    def forward(
        self, images: paddle.Tensor, labels: paddle.Tensor, targets: paddle.Tensor | None = None
    ) -> tuple[paddle.Tensor, paddle.Tensor | None]:
        """The head's loss, or the embeddings where the head is outside; and the loss of distillation, or None."""
        embeddings = self.backbone(images)
        distance = None
        if self.distiller is not None and targets is not None:
            distance = self.distiller(embeddings, targets)
        return embeddings if self.head is None else self.head(embeddings, labels), distance
