"""Base of the margin heads: class weights, cosines, numerically safe geometry, and the criterion over columns."""

from __future__ import annotations

import math
from typing import Any

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.heads.cosine import cosine_products
from facezoo.backends.paddle.heads.criterion import Reduce, cross_entropy, focal
from facezoo.backends.paddle.heads.inputs import check_batch, widen
from facezoo.canonical.class_rows import held_rows
from facezoo.interfaces.head import ClassificationHead


def is_target(logits: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """Mask (N, C) of the targets' columns; rows with target -1 have none."""
    return paddle.arange(logits.shape[1], dtype=target.dtype) == target[:, None]


def replace_target(logits: paddle.Tensor, target: paddle.Tensor, value: paddle.Tensor) -> paddle.Tensor:
    """``logits (N, C)`` with ``value (N,)`` in the target's column; rows with target -1 stay."""
    return paddle.where(is_target(logits, target), value[:, None], logits)


def pick_target(logits: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """The target's column of ``logits (N, C)``, (N,); 0 where the target is -1."""
    picked = paddle.take_along_axis(logits, target.clip(min=0)[:, None], axis=1)[:, 0]
    return paddle.where(target >= 0, picked, paddle.zeros_like(picked))


def lengths(rows: paddle.Tensor) -> paddle.Tensor:
    """Euclidean length of each row (N, E) -> (N,), at least 1e-12; the gradient of a zero row is 0."""
    return (rows * rows).sum(axis=1).clip(min=1e-24).sqrt()


def unit(rows: paddle.Tensor) -> paddle.Tensor:
    """Rows (N, E) divided by their lengths; the gradient of paddle's own ``F.normalize`` is off by 1e-13 / length."""
    return rows / lengths(rows)[:, None]


def safe_sine(cosine: paddle.Tensor) -> paddle.Tensor:
    """sqrt(1 - cosine^2); 0 without gradient close to a pole, where the slope is infinite and the angle below rounding.

    The input of the square root is made safe: a ``where`` after it would multiply 0 by infinity in the backward pass.
    """
    squared = 1 - cosine * cosine
    inside = squared > 16 * paddle.finfo(cosine.dtype).eps
    sine = paddle.sqrt(paddle.where(inside, squared, paddle.ones_like(squared)))
    return paddle.where(inside, sine, paddle.zeros_like(sine))


def safe_angle(cosine: paddle.Tensor) -> paddle.Tensor:
    """Arccos of a cosine in -1..1, with gradient 0 at the poles."""
    return paddle.atan2(safe_sine(cosine), cosine)


def arc(cosine: paddle.Tensor, margin: paddle.Tensor | float) -> paddle.Tensor:
    """cos(θ + m) for a cosine in -1..1; m is a number or one value per sample."""
    if isinstance(margin, (int, float)):
        return cosine * math.cos(margin) - safe_sine(cosine) * math.sin(margin)
    return cosine * paddle.cos(margin) - safe_sine(cosine) * paddle.sin(margin)


def arc_monotone(cosine: paddle.Tensor, margin: float) -> paddle.Tensor:
    """cos(θ + m) up to θ = π - m, beyond it cos θ - m sin m, which keeps falling."""
    keep = cosine > math.cos(math.pi - margin)
    return paddle.where(keep, arc(cosine, margin), cosine - margin * math.sin(margin))


class MarginHead(ClassificationHead, nn.Layer):
    """A cosine classifier; a subclass computes logits from cosines in ``columns``.

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
        self.weight = self.create_parameter(
            [held_rows(num_classes).count, embedding_size], default_initializer=nn.initializer.XavierUniform()
        )
        self.extra = nn.LayerDict()
        self.factors: dict[str, float] = {}

    def forward(self, embeddings: paddle.Tensor, labels: paddle.Tensor, indices_tuple: Any = None) -> paddle.Tensor:
        with paddle.amp.auto_cast(enable=False):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes, indices_tuple)
            embeddings = self.upcast(embeddings)
            loss = self._loss(embeddings, labels)
            terms = self.attached()
            for name, factor in self.factors.items():
                loss = loss + factor * terms[name].term(embeddings, labels, self.weight)
            return loss

    def forward_part(
        self, embeddings: paddle.Tensor, labels: paddle.Tensor, first: int, reduce: Reduce
    ) -> paddle.Tensor:
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
        target = paddle.where(here, labels - first, paddle.full_like(labels, -1))
        return self.forward_columns(embeddings, target, reduce)

    def forward_columns(
        self, embeddings: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None
    ) -> paddle.Tensor:
        """Like :meth:`forward_part`, for any set of classes.

        Args:
            embeddings: (N, E), the whole batch.
            target: (N,) int64, the column of each label here, or -1 where another part owns it.
            reduce: combines values of all parts; None when this head holds every label's class.
        """
        with paddle.amp.auto_cast(enable=False):
            return self._loss(self.upcast(embeddings), target, reduce)

    def logits(self, embeddings: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        before = [buffer.clone() for buffer in self.buffers(include_sublayers=False)]
        with paddle.amp.auto_cast(enable=False):
            labels = check_batch(embeddings, labels, self.embedding_size, self.num_classes)
            logits = self._norm_and_logits(self.upcast(embeddings), labels)[1]
        with paddle.no_grad():  # computing logits must not change the state
            for buffer, value in zip(self.buffers(include_sublayers=False), before, strict=True):
                buffer.set_value(value)
        return logits

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
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
        self, logits: paddle.Tensor, target: paddle.Tensor, norm: paddle.Tensor, reduce: Reduce | None = None
    ) -> paddle.Tensor:
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

    def penalty(self, norm: paddle.Tensor) -> paddle.Tensor | None:
        """Term added to each sample's loss, (N,), or None."""
        return None

    def weigh(self, losses: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None) -> paddle.Tensor:
        """Losses (N,) of the samples, with the sample weights of the attached heads."""
        for term in self.attached().values():
            losses = term.weigh(losses, target, reduce)
        return losses

    def owned(self, values: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None) -> paddle.Tensor:
        """``values (N,)``, each taken from the part that owns the sample's class, so that it counts once."""
        if reduce is None:
            return values
        return reduce(paddle.where(target >= 0, values, paddle.zeros_like(values)), "sum")

    def cosines(self, embeddings: paddle.Tensor) -> paddle.Tensor:
        """Cosine of each embedding with each class weight of this part, (N, C_local)."""
        return cosine_products(unit(embeddings), self.upcast(self.weight)).clip(-1, 1)

    def upcast(self, values: paddle.Tensor) -> paddle.Tensor:
        """Half precision to float32; everything to float64 if the weight is float64."""
        return widen(values, "float64" if self.weight.dtype == paddle.float64 else "float32")

    def attached(self) -> dict[str, Any]:
        """The attached heads by name, with their own types instead of the container's."""
        return dict(self.extra.items())

    def attach(self, name: str, term: nn.Layer, factor: float = 1.0) -> None:
        """Add ``factor`` times an auxiliary head's term to the loss, on this head's class weights."""
        for own in list(term._parameters):
            setattr(term, own, None)
        self.extra[name] = term
        if hasattr(term, "term"):
            self.factors[name] = factor

    def row_tensors(self) -> list[tuple[str, nn.Layer, str]]:
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
                if name in self._parameters:
                    same = nn.initializer.Assign(kept)
                    kept = self.create_parameter(kept.shape, dtype=kept.dtype, default_initializer=same)
                setattr(self, name, kept)
        for term in self.attached().values():
            term.keep_classes(first, count)

    def _loss(self, embeddings: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None) -> paddle.Tensor:
        norm, logits = self._norm_and_logits(embeddings, target, reduce)
        return self.loss(logits, target, norm, reduce)

    def _norm_and_logits(
        self, embeddings: paddle.Tensor, target: paddle.Tensor, reduce: Reduce | None = None
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
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
        self.bias = self.create_parameter([held_rows(num_classes).count], is_bias=True)

    def cosines(self, embeddings: paddle.Tensor) -> paddle.Tensor:
        """Plain products with the class weights of this part, (N, C_local)."""
        return F.linear(embeddings, self.upcast(self.weight).T, self.upcast(self.bias))

    def columns(
        self, cosine: paddle.Tensor, target: paddle.Tensor, target_cosine: paddle.Tensor, norm: paddle.Tensor,
        reduce: Reduce | None = None,
    ) -> paddle.Tensor:  # fmt: skip
        return cosine
