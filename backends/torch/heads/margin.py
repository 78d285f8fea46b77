"""What the margin heads share: class weights, cosines, and the criterion over columns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from facezoo.backends.torch.heads.criterion import Reduce, cross_entropy, focal
from torch import nn

from facezoo.interfaces.head import ClassificationHead


def check_labels(labels: torch.Tensor, num_classes: int) -> None:
    """Raise IndexError naming the first label outside 0..C-1."""
    wrong = (labels < 0) | (labels >= num_classes)
    if bool(wrong.any()):
        raise IndexError(f"label {int(labels[wrong][0])} is out of range; expected 0 to {num_classes - 1}")


def replace_target(logits: torch.Tensor, target: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``logits (N, C)`` with ``value (N,)`` in the target's column; rows with target -1 stay."""
    onehot = torch.arange(logits.shape[1], device=logits.device) == target[:, None]
    return torch.where(onehot, value[:, None], logits)


def safe_sine(cosine: torch.Tensor) -> torch.Tensor:
    """sqrt(1 - cosine^2), with gradient 0 at the poles, where the true one is infinite."""
    squared = 1 - cosine * cosine
    inside = squared > 0
    return torch.where(
        inside, torch.sqrt(torch.where(inside, squared, torch.ones_like(squared))), torch.zeros_like(squared)
    )


class MarginHead(ClassificationHead, nn.Module):
    """A cosine classifier whose subclass says how logits come from cosines.

    Args:
        embedding_size: E.
        num_classes: C.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor, 0 or more.
    """

    def __init__(
        self, embedding_size: int, num_classes: int, *, criterion: str = "softmax", label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding_size = embedding_size
        self.num_classes = num_classes
        self.criterion = criterion
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.weight = nn.Parameter(torch.empty(num_classes, embedding_size))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            norm, logits = self._norm_and_logits(embeddings, labels)
            return self.loss(logits, labels, norm)

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            return self._norm_and_logits(embeddings, labels)[1]

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns; ``reduce`` combines the parts."""
        losses = cross_entropy(
            logits, target, label_smoothing=self.label_smoothing, num_classes=self.num_classes, reduce=reduce
        )
        if self.criterion == "focal":
            losses = focal(losses, self.focal_gamma)
        return losses.mean() + self.penalty(norm)

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Logits of this part's classes.

        Args:
            cosine: (N, C_local), clamped to -1..1.
            target: (N,) int64, the target's column here, or -1 where another part owns it.
            target_cosine: (N,), the target's cosine, whoever owns it.
            norm: (N,), length of each embedding.
            reduce: combines values of all parts; None when the columns are complete.
        """
        raise NotImplementedError

    def penalty(self, norm: torch.Tensor) -> torch.Tensor | float:
        """What the loss gets on top of the criterion."""
        return 0.0

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosine of each embedding with each class weight held here, (N, C_local)."""
        return F.linear(F.normalize(embeddings), F.normalize(self.full(self.weight))).clamp(-1, 1)

    def full(self, values: torch.Tensor) -> torch.Tensor:
        """Half precision to float32; wider types, and those of a float64 head, as the weight's."""
        return values.to(torch.float64 if self.weight.dtype == torch.float64 else torch.float32)

    def _norm_and_logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        check_labels(labels, self.num_classes)
        embeddings = self.full(embeddings)
        cosine = self.cosines(embeddings)  # (N, C)
        target_cosine = cosine.gather(1, labels[:, None])[:, 0]  # (N,)
        norm = embeddings.norm(dim=1)
        return norm, self.columns(cosine, labels, target_cosine, norm)
