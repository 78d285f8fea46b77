"""What the margin heads share: class weights, cosines, and the criterion over columns."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from facezoo.backends.paddle.heads.criterion import Reduce, cross_entropy, focal
from paddle import nn

from facezoo.interfaces.head import ClassificationHead


def check_labels(labels: paddle.Tensor, num_classes: int) -> None:
    """Raise IndexError naming the first label outside 0..C-1."""
    wrong = (labels < 0) | (labels >= num_classes)
    if bool(wrong.any()):
        raise IndexError(f"label {int(labels[wrong][0])} is out of range; expected 0 to {num_classes - 1}")


def replace_target(logits: paddle.Tensor, target: paddle.Tensor, value: paddle.Tensor) -> paddle.Tensor:
    """``logits (N, C)`` with ``value (N,)`` in the target's column; rows with target -1 stay."""
    onehot = paddle.arange(logits.shape[1], dtype=target.dtype) == target[:, None]
    return paddle.where(onehot, value[:, None], logits)


def safe_sine(cosine: paddle.Tensor) -> paddle.Tensor:
    """sqrt(1 - cosine^2), with gradient 0 at the poles, where the true one is infinite."""
    squared = 1 - cosine * cosine
    inside = squared > 0
    return paddle.where(
        inside,
        paddle.sqrt(paddle.where(inside, squared, paddle.ones_like(squared))),
        paddle.zeros_like(squared),
    )


class MarginHead(ClassificationHead, nn.Layer):
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
        self.weight = self.create_parameter(
            [num_classes, embedding_size], default_initializer=nn.initializer.XavierUniform()
        )

    def forward(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        with paddle.amp.auto_cast(enable=False):
            norm, logits = self._norm_and_logits(embeddings, labels)
            return self.loss(logits, labels, norm)

    def logits(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        with paddle.amp.auto_cast(enable=False):
            return self._norm_and_logits(embeddings, labels)[1]

    def loss(
        self, logits: paddle.Tensor, target: paddle.Tensor, norm: paddle.Tensor, reduce: Reduce | None = None
    ) -> paddle.Tensor:
        """The scalar loss from logits over columns; ``reduce`` combines the parts."""
        losses = cross_entropy(
            logits, target, label_smoothing=self.label_smoothing, num_classes=self.num_classes, reduce=reduce
        )
        if self.criterion == "focal":
            losses = focal(losses, self.focal_gamma)
        return losses.mean() + self.penalty(norm)

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        """Logits of this part's classes.

        Args:
            cosine: (N, C_local), clamped to -1..1.
            target: (N,) int64, the target's column here, or -1 where another part owns it.
            target_cosine: (N,), the target's cosine, whoever owns it.
            norm: (N,), length of each embedding.
            reduce: combines values of all parts; None when the columns are complete.
        """
        raise NotImplementedError

    def penalty(self, norm: paddle.Tensor) -> paddle.Tensor | float:
        """What the loss gets on top of the criterion."""
        return 0.0

    def cosines(self, embeddings: paddle.Tensor) -> paddle.Tensor:
        """Cosine of each embedding with each class weight held here, (N, C_local)."""
        return F.linear(F.normalize(embeddings), F.normalize(self.full(self.weight)).T).clip(-1, 1)

    def full(self, values: paddle.Tensor) -> paddle.Tensor:
        """Half precision to float32; wider types, and those of a float64 head, as the weight's."""
        return values.astype("float64" if self.weight.dtype == paddle.float64 else "float32")

    def _norm_and_logits(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        check_labels(labels, self.num_classes)
        embeddings = self.full(embeddings)
        cosine = self.cosines(embeddings)  # (N, C)
        target_cosine = paddle.take_along_axis(cosine, labels[:, None], axis=1)[:, 0]  # (N,)
        norm = paddle.linalg.norm(embeddings, axis=1)
        return norm, self.columns(cosine, labels, target_cosine, norm)
