"""Base of the margin heads: class weights, cosines, numerically safe geometry, and the criterion over columns."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from facezoo.backends.torch.heads.cosine import cosine_products
from facezoo.backends.torch.heads.criterion import Reduce, cross_entropy, focal
from facezoo.backends.torch.heads.inputs import check_batch, no_autocast, widen
from facezoo.canonical.class_rows import held_rows
from facezoo.interfaces.head import ClassificationHead


def is_target(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mask (N, C) of the targets' columns; rows with target -1 have none."""
    return torch.arange(logits.shape[1], device=logits.device) == target[:, None]


def replace_target(logits: torch.Tensor, target: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``logits (N, C)`` with ``value (N,)`` in the target's column; rows with target -1 stay."""
    return torch.where(is_target(logits, target), value[:, None], logits)


def pick_target(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The target's column of ``logits (N, C)``, (N,); 0 where the target is -1."""
    picked = logits.gather(1, target.clamp(min=0)[:, None])[:, 0]
    return torch.where(target >= 0, picked, torch.zeros_like(picked))


def lengths(rows: torch.Tensor) -> torch.Tensor:
    """Euclidean length of each row (N, E) -> (N,), at least 1e-12; the gradient of a zero row is 0."""
    return (rows * rows).sum(dim=1).clamp(min=1e-24).sqrt()


def unit(rows: torch.Tensor) -> torch.Tensor:
    """Rows (N, E) divided by their lengths."""
    return F.normalize(rows)


def safe_sine(cosine: torch.Tensor) -> torch.Tensor:
    """sqrt(1 - cosine^2); 0 without gradient close to a pole, where the slope is infinite and the angle below rounding.

    The input of the square root is made safe: a ``where`` after it would multiply 0 by infinity in the backward pass.
    """
    squared = 1 - cosine * cosine
    inside = squared > 16 * torch.finfo(cosine.dtype).eps
    sine = torch.sqrt(torch.where(inside, squared, torch.ones_like(squared)))
    return torch.where(inside, sine, torch.zeros_like(sine))


def safe_angle(cosine: torch.Tensor) -> torch.Tensor:
    """Arccos of a cosine in -1..1, with gradient 0 at the poles."""
    return torch.atan2(safe_sine(cosine), cosine)


def arc(cosine: torch.Tensor, margin: torch.Tensor | float) -> torch.Tensor:
    """cos(θ + m) for a cosine in -1..1; m is a number or one value per sample."""
    if isinstance(margin, (int, float)):
        return cosine * math.cos(margin) - safe_sine(cosine) * math.sin(margin)
    return cosine * torch.cos(margin) - safe_sine(cosine) * torch.sin(margin)


def arc_monotone(cosine: torch.Tensor, margin: float) -> torch.Tensor:
    """cos(θ + m) up to θ = π - m, beyond it cos θ - m sin m, which keeps falling."""
    keep = cosine > math.cos(math.pi - margin)
    return torch.where(keep, arc(cosine, margin), cosine - margin * math.sin(margin))


class MarginHead(ClassificationHead, nn.Module):
    """A cosine classifier; a subclass computes logits from cosines in ``columns``.

    Buffers of one number are written through ``view(1)``: torch.compile drops writes to 0-d float64 tensors (2.13).

    Args:
        embedding_size: E.
        num_classes: C.
        variant: one of the class's ``variants``.
        criterion: "softmax" or "focal".
        label_smoothing: 0 to below 1.
        focal_gamma: exponent of the focal factor, 0 or more.
    """

    variants: tuple[str, ...] = ("ref",)
    per_class: tuple[str, ...] = ("weight",)  # tensors with one row per class

    def __init__(
        self, embedding_size: int, num_classes: int, *, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if variant not in self.variants:
            raise ValueError(f"{type(self).__name__} has no variant {variant!r}; known: {', '.join(self.variants)}")
        self.embedding_size = embedding_size
        self.num_classes = num_classes
        self.variant = variant
        self.criterion = criterion
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.weight = nn.Parameter(torch.empty(held_rows(num_classes).count, embedding_size))
        nn.init.xavier_uniform_(self.weight)
        self.extra = nn.ModuleDict()
        self.factors: dict[str, float] = {}

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor, indices_tuple: Any = None) -> torch.Tensor:
        with no_autocast(embeddings):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes, indices_tuple)
            embeddings = self.upcast(embeddings)
            loss = self._loss(embeddings, labels)
            terms = self.attached()
            for name, factor in self.factors.items():
                loss = loss + factor * terms[name].term(embeddings, labels, self.weight)
            return loss

    def forward_part(self, embeddings: torch.Tensor, labels: torch.Tensor, first: int, reduce: Reduce) -> torch.Tensor:
        """The loss of a batch when this head holds some of the classes only (see ``keep_classes``).

        Every part gets the whole batch and returns the same loss. In the backward pass, its class weights get the
        full gradient and the embeddings this part's share; the shares of all parts sum to the gradient.

        Args:
            embeddings: (N, E), the whole batch.
            labels: (N,) int64, 0..C-1 over all parts.
            first: the class of this part's first row.
            reduce: combines values of all parts; its backward pass returns the gradient unchanged.
        """
        labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes)
        here = (labels >= first) & (labels < first + self.weight.shape[0])
        return self.forward_columns(embeddings, torch.where(here, labels - first, torch.full_like(labels, -1)), reduce)

    def forward_columns(
        self, embeddings: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """Like :meth:`forward_part`, for any set of classes.

        Args:
            embeddings: (N, E), the whole batch.
            target: (N,) int64, the column of each label here, or -1 where another part owns it.
            reduce: combines values of all parts; None when this head holds every label's class.
        """
        with no_autocast(embeddings):
            return self._loss(self.upcast(embeddings), target, reduce)

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        before = [buffer.clone() for buffer in self.buffers(recurse=False)]
        with no_autocast(embeddings):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes)
            logits = self._norm_and_logits(self.upcast(embeddings), labels)[1]
        with torch.no_grad():  # computing logits must not change the state
            for buffer, value in zip(self.buffers(recurse=False), before, strict=True):
                buffer.view(value.shape or 1).copy_(value)
        return logits

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Logits of this part's classes.

        Args:
            cosine: (N, C_local), clamped to -1..1.
            target: (N,) int64, the target's column here, or -1 where another part owns it.
            target_cosine: (N,), the target's cosine, from the part that owns it.
            norm: (N,), length of each embedding.
            reduce: combines values of all parts; None when the columns are complete.
        """
        raise NotImplementedError

    def loss(
        self, logits: torch.Tensor, target: torch.Tensor, norm: torch.Tensor, reduce: Reduce | None = None
    ) -> torch.Tensor:
        """The scalar loss from logits over columns; arguments as for ``columns``."""
        losses = cross_entropy(
            logits, target, label_smoothing=self.label_smoothing, num_classes=self.num_classes, reduce=reduce
        )
        if self.criterion == "focal":
            losses = focal(losses, self.focal_gamma)
        losses = self.weigh(losses, target, reduce)
        penalty = self.penalty(norm)
        if penalty is not None:
            losses = losses + self.owned(penalty, target, reduce)
        return losses.mean()

    def penalty(self, norm: torch.Tensor) -> torch.Tensor | None:
        """Term added to each sample's loss, (N,), or None."""
        return None

    def weigh(self, losses: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None) -> torch.Tensor:
        """Losses (N,) of the samples, with the sample weights of the attached heads."""
        for term in self.attached().values():
            losses = term.weigh(losses, target, reduce)
        return losses

    def owned(self, values: torch.Tensor, target: torch.Tensor, reduce: Reduce | None) -> torch.Tensor:
        """``values (N,)``, each taken from the part that owns the sample's class, so that it counts once."""
        if reduce is None:
            return values
        return reduce(torch.where(target >= 0, values, torch.zeros_like(values)), "sum")

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosine of each embedding with each class weight of this part, (N, C_local)."""
        return cosine_products(unit(embeddings), self.upcast(self.weight)).clamp(-1, 1)

    def upcast(self, values: torch.Tensor) -> torch.Tensor:
        """Half precision to float32; everything to float64 if the weight is float64."""
        return widen(values, torch.float64 if self.weight.dtype == torch.float64 else torch.float32)

    def attached(self) -> dict[str, Any]:
        """The attached heads by name, with their own types instead of the container's."""
        return dict(self.extra.items())

    def attach(self, name: str, term: nn.Module, factor: float = 1.0) -> None:
        """Add ``factor`` times an auxiliary head's term to the loss, on this head's class weights."""
        for own in list(term._parameters):
            setattr(term, own, None)
        self.extra[name] = term
        if hasattr(term, "term"):
            self.factors[name] = factor

    def row_tensors(self) -> list[tuple[str, nn.Module, str]]:
        """Tensors with one row per class, those of attached heads included: canonical name, owner, name there."""
        owners: list[tuple[str, Any]] = [
            ("", self),
            *((f"extra.{key}.", term) for key, term in self.attached().items()),
        ]
        return [
            (prefix + name, owner, name)
            for prefix, owner in owners
            for name in getattr(owner, "per_class", ())
            if getattr(owner, name) is not None  # None in an attached head
        ]

    def keep_classes(self, first: int, count: int) -> None:
        """Drop the rows of all classes but ``first .. first + count - 1``: this head becomes one part."""
        for name in self.per_class:
            value = getattr(self, name)
            if value is not None:  # None in an attached head
                kept = value.detach()[first : first + count].clone()
                setattr(self, name, nn.Parameter(kept) if name in self._parameters else kept)
        for term in self.attached().values():
            term.keep_classes(first, count)

    def _loss(self, embeddings: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None) -> torch.Tensor:
        norm, logits = self._norm_and_logits(embeddings, target, reduce)
        return self.loss(logits, target, norm, reduce)

    def _norm_and_logits(
        self, embeddings: torch.Tensor, target: torch.Tensor, reduce: Reduce | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        cosine = self.cosines(embeddings)  # (N, C_local)
        target_cosine = self.owned(pick_target(cosine, target), target, reduce)
        norm = lengths(embeddings)
        return norm, self.columns(cosine, target, target_cosine, norm, reduce)


class LinearHead(MarginHead):
    """A linear classifier with the same interface: products and a bias instead of cosines."""

    per_class: tuple[str, ...] = ("weight", "bias")

    def __init__(
        self, embedding_size: int, num_classes: int, *, variant: str = "ref", criterion: str = "softmax",
        label_smoothing: float = 0.0, focal_gamma: float = 2.0,
    ) -> None:  # fmt: skip
        super().__init__(
            embedding_size, num_classes, variant=variant, criterion=criterion, label_smoothing=label_smoothing,
            focal_gamma=focal_gamma,
        )  # fmt: skip
        self.bias = nn.Parameter(torch.zeros(held_rows(num_classes).count))

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Plain products with the class weights of this part, (N, C_local)."""
        return F.linear(embeddings, self.upcast(self.weight), self.upcast(self.bias))

    def columns(
        self, cosine: torch.Tensor, target: torch.Tensor, target_cosine: torch.Tensor, norm: torch.Tensor,
        reduce: Reduce | None = None,
    ) -> torch.Tensor:  # fmt: skip
        return cosine
