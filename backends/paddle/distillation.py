"""The distance between a student's embeddings and its teacher's; see ``facezoo.interfaces.distillation``."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.interfaces.distillation import DistillationSettings


class Distiller(nn.Layer):
    """The loss of distillation, without autocast.

    Args:
        settings: which loss, and the widths of the embeddings.
    """

    def __init__(self, settings: DistillationSettings) -> None:
        super().__init__()
        self.settings = settings
        self.projection: nn.Linear | None = None
        if settings.projects:
            self.projection = nn.Linear(settings.embedding_size, settings.target_size, bias_attr=False)
            self.projection.weight.set_value(paddle.to_tensor(settings.initial_projection().T.copy()))
        # not a buffer: it is the same in all processes and needs no averaging
        centres = settings.unit_centres()
        self._centres = None if centres is None else paddle.to_tensor(centres)

    def forward(self, embeddings: paddle.Tensor, targets: paddle.Tensor) -> paddle.Tensor:
        """The loss, a scalar, of (N, E) embeddings and the teacher's (N, target_size)."""
        with paddle.amp.auto_cast(enable=False):
            embeddings = embeddings if embeddings.dtype == paddle.float64 else embeddings.astype("float32")
            targets = targets.astype(embeddings.dtype)
            if self.projection is not None:
                embeddings = self.projection(embeddings)
            return self.settings.factor * self._distance(embeddings, targets)

    def _distance(self, embeddings: paddle.Tensor, targets: paddle.Tensor) -> paddle.Tensor:
        loss = self.settings.loss
        if loss == "l2":
            return F.mse_loss(embeddings, targets)
        if loss == "relational":
            return relational(embeddings, targets)
        student, teacher = F.normalize(embeddings), F.normalize(targets)
        if loss == "logits":
            return self._divergence(student, teacher)
        distance = 1 - (student * teacher).sum(1)
        return (distance.square() if loss == "angular" else distance).mean()

    def _divergence(self, student: paddle.Tensor, teacher: paddle.Tensor) -> paddle.Tensor:
        assert self._centres is not None
        self._centres = centres = self._centres.astype(student.dtype)
        temperature = self.settings.temperature
        share = self.settings.scale / temperature
        wanted, given = (F.log_softmax(share * values @ centres.T, 1) for values in (teacher, student))
        return temperature**2 * (wanted.exp() * (wanted - given)).sum(1).mean()


def relational(embeddings: paddle.Tensor, targets: paddle.Tensor) -> paddle.Tensor:
    """Distances and twice the angles between the images of a batch (Park et al. 2019)."""
    with paddle.no_grad():
        distances, angles = _distances(targets), _angles(targets)
    return F.smooth_l1_loss(_distances(embeddings), distances) + 2 * F.smooth_l1_loss(_angles(embeddings), angles)


def _distances(values: paddle.Tensor) -> paddle.Tensor:
    """(N, N) distances divided by the mean of those between different images; 0 on the diagonal."""
    squares = values.square().sum(1)
    found = (squares.unsqueeze(1) + squares.unsqueeze(0) - 2 * values @ values.T).clip(min=1e-12).sqrt()
    apart = 1 - paddle.eye(len(values), dtype=values.dtype)
    return found * apart / ((found * apart).sum() / apart.sum()).clip(min=1e-12)


def _angles(values: paddle.Tensor) -> paddle.Tensor:
    """(N, N, N): [b, a, c] is the cosine of the angle at image b between the directions to a and c."""
    directions = F.normalize(values.unsqueeze(0) - values.unsqueeze(1), axis=2)
    return directions @ directions.transpose([0, 2, 1])
