"""Center loss: distance of embeddings to a running center of their class."""

from __future__ import annotations

import paddle

from facezoo.backends.paddle.heads.auxiliary import AuxiliaryHead


def center_loss(embeddings: paddle.Tensor, centers: paddle.Tensor) -> paddle.Tensor:
    """Half the squared distance of each embedding from its center, (N,)."""
    return 0.5 * ((embeddings - centers) ** 2).sum(axis=1)


def moved_centers(
    centers: paddle.Tensor, embeddings: paddle.Tensor, labels: paddle.Tensor, alpha: float
) -> paddle.Tensor:
    """C - α Σ (c - x) / (1 + n) over the n embeddings of each class."""
    same = labels[:, None] == labels[None, :]  # (N, N)
    apart = centers[labels] - embeddings.astype(centers.dtype)  # (N, E)
    parts = -alpha * apart / (1 + same.astype(centers.dtype).sum(axis=1))[:, None]
    return paddle.index_add(centers, labels, 0, parts)


class Center(AuxiliaryHead):
    """Center loss (Wen et al., ECCV 2016, eq. 2 to 4), used beside a classifier: ``extra={"Center": 0.003}``.

    Neither embeddings x nor centers c are normalised::

        loss = 1/2 sum_i |x_i - c_{y_i}|^2                    y_i: the label of sample i
        c_j <- c_j - alpha sum_{i: y_i = j} (c_j - x_i) / (1 + n_j)     n_j: samples of class j in the batch

    Buffer ``centers`` (C, E) starts at 0. A training call updates it after the loss; the optimiser does not.

    Variants: "ref": the sum over the batch, so the weight of the term grows with N; "mean_half": the mean.

    Args:
        embedding_size: E.
        num_classes: C.
        alpha: step size of the centers, 0 to 1.
        variant: one of those above.
    """

    variants = ("ref", "mean_half")
    centers: paddle.Tensor

    def __init__(self, embedding_size: int, num_classes: int, *, alpha: float = 0.5, variant: str = "ref") -> None:
        super().__init__(embedding_size, num_classes, variant=variant)
        self.alpha = alpha
        self.register_buffer("centers", paddle.zeros([num_classes, embedding_size]))

    def term(self, embeddings: paddle.Tensor, labels: paddle.Tensor, weight: paddle.Tensor | None) -> paddle.Tensor:
        losses = center_loss(embeddings, self.centers[labels].astype(embeddings.dtype))
        if self.training:
            with paddle.no_grad():
                self.centers.set_value(moved_centers(self.centers, embeddings, labels, self.alpha))
        return losses.sum() if self.variant == "ref" else losses.mean()
