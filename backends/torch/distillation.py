"""The distance between a student's embeddings and its teacher's; see ``facezoo.interfaces.distillation``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from facezoo.interfaces.distillation import DistillationSettings


class Distiller(nn.Module):
    """The loss of distillation, without autocast.

    Args:
        settings: which loss, and the widths of the embeddings.
    """

    def __init__(self, settings: DistillationSettings) -> None:
        super().__init__()
        self.settings = settings
        self.projection: nn.Linear | None = None
        if settings.projects:
            self.projection = nn.Linear(settings.embedding_size, settings.target_size, bias=False)
            with torch.no_grad():
                self.projection.weight.copy_(torch.from_numpy(settings.initial_projection()))
        # not a buffer: it is the same in all processes and needs no averaging
        centres = settings.unit_centres()
        self._centres = None if centres is None else torch.from_numpy(centres)

    def forward(self, embeddings: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar, of (N, E) embeddings and the teacher's (N, target_size)."""
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            targets = targets.to(embeddings.dtype)
            if self.projection is not None:
                embeddings = self.projection(embeddings)
            return self.settings.factor * self._distance(embeddings, targets)

    def _distance(self, embeddings: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
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

    def _divergence(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        assert self._centres is not None
        self._centres = centres = self._centres.to(student)
        temperature = self.settings.temperature
        share = self.settings.scale / temperature
        wanted, given = (F.log_softmax(share * values @ centres.T, 1) for values in (teacher, student))
        return temperature**2 * F.kl_div(given, wanted, reduction="batchmean", log_target=True)


def relational(embeddings: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Distances and twice the angles between the images of a batch (Park et al. 2019)."""
    with torch.no_grad():
        distances, angles = _distances(targets), _angles(targets)
    return F.smooth_l1_loss(_distances(embeddings), distances) + 2 * F.smooth_l1_loss(_angles(embeddings), angles)


def _distances(values: torch.Tensor) -> torch.Tensor:
    """(N, N) distances divided by the mean of those between different images; 0 on the diagonal."""
    squares = values.square().sum(1)
    found = (squares[:, None] + squares[None] - 2 * values @ values.T).clamp(min=1e-12).sqrt()
    apart = 1 - torch.eye(len(values), dtype=values.dtype, device=values.device)
    return found * apart / ((found * apart).sum() / apart.sum()).clamp(min=1e-12)


def _angles(values: torch.Tensor) -> torch.Tensor:
    """(N, N, N): [b, a, c] is the cosine of the angle at image b between the directions to a and c."""
    directions = F.normalize(values[None] - values[:, None], dim=2)
    return directions @ directions.transpose(1, 2)
