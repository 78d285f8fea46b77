"""Neutral description of a loss head for both backends: hyper-parameters, equation, paper, oracle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.margins.reference import Gradients, Reference, margin_reference
from facezoo.rng import generator

ROWS = 65_536  # rows drawn at a time: float64 takes twice the memory of the result

__all__ = ["Gradients", "Margin", "Reference", "draw_weight", "xavier_uniform"]


@dataclass(frozen=True, kw_only=True)
class Margin:
    """The neutral description of one loss head. Hyper-parameters are the fields of a subclass.

    A subclass of family "margin" defines ``oracle``; every other defines ``reference``.

    Attributes:
        variant: which published form, where implementations differ; "ref" is the default.
    """

    name: ClassVar[str]  # the public name, and the native class's
    module: ClassVar[str]  # the file below backends/*/heads
    paper: ClassVar[str]
    equation: ClassVar[str]
    family: ClassVar[str] = "margin"  # "margin" (over columns), "linear", "metric" (of a batch) or "regulariser"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}}  # variant -> its own defaults
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}  # hyper-parameter -> lowest and highest valid value
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # hyper-parameter -> valid strings
    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # further public names -> hyper-parameters
    criteria: ClassVar[tuple[str, ...]] = ("softmax", "focal")  # criteria that can be applied to the logits
    weighs: ClassVar[bool] = False  # whether it can weigh the samples of another head
    least_classes: ClassVar[int] = 2
    compares: ClassVar[bool] = False  # compares images of one batch, which must hold several per identity
    smooth: ClassVar[bool] = True  # whether logits are differentiable everywhere but at the poles

    variant: str = "ref"

    def __post_init__(self) -> None:
        if self.variant not in self.variants:
            raise UnknownNameError(f"variant of {self.name}", self.variant, self.variants)
        for key, valid in self.choices.items():
            if getattr(self, key) not in valid:
                raise UnknownNameError(f"{key} of {self.name}", getattr(self, key), valid)
        for key, (low, high) in self.ranges.items():
            value = getattr(self, key)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"{self.name}: {key} is {value}; expected {low} to {high}")

    @property
    def classifies(self) -> bool:
        """Whether the loss is a cross-entropy over class logits, so that a criterion can be chosen."""
        return self.family in ("margin", "linear") and bool(self.criteria)

    @property
    def auxiliary(self) -> bool:
        """Whether it can be an extra term beside a classification head."""
        return self.family in ("metric", "regulariser") or self.weighs

    @property
    def one_row(self) -> bool:
        """Whether ``weight`` has one row per class, (C, E)."""
        return self.family in ("margin", "linear")

    @property
    def divisible(self) -> bool:
        """Whether the classes can be divided over processes."""
        return self.one_row

    @classmethod
    def create(cls, **hyper: Any) -> Margin:
        """Build from the defaults of the requested variant and the given values.

        Raises:
            UnknownNameError: no such hyper-parameter or variant; the message gives the nearest.
        """
        known = [entry.name for entry in fields(cls)]
        for key in hyper:
            if key not in known:
                raise UnknownNameError(f"hyper-parameter of {cls.name}", key, known)
        variant = hyper.get("variant", "ref")
        if variant not in cls.variants:
            raise UnknownNameError(f"variant of {cls.name}", variant, cls.variants)
        return cls(**{**cls.variants[variant], **hyper})

    def check_classes(self, num_classes: int) -> None:
        """Raise ConfigError if the head cannot have this number of classes."""
        if num_classes < self.least_classes:
            raise ConfigError(f"{self.name}: num_classes is {num_classes}; expected {self.least_classes} or more")

    def hyper(self) -> dict[str, Any]:
        """Hyper-parameters by name, as the native class expects them."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.init}

    def initial_state(
        self, embedding_size: int, num_classes: int, seed: int, rows: slice | None = None
    ) -> dict[str, np.ndarray]:
        """Initial values of the head's parameters, canonical names; buffers stay as constructed.

        Args:
            embedding_size: E.
            num_classes: C.
            seed: the run's seed.
            rows: the classes to give, ``slice(first, end)``; None gives all. The values do not depend on it.
        """
        return draw_weight((num_classes, embedding_size), seed, rows)

    def oracle(
        self, cosine: np.ndarray, labels: np.ndarray, *, norms: np.ndarray, state: dict[str, np.ndarray]
    ) -> Reference:
        """Logits and slopes of one training call in NumPy float64.

        Args:
            cosine: (N, C), clamped to -1..1; may be changed in place.
            labels: (N,).
            norms: (N,), lengths of the embeddings.
            state: the head's whole canonical state before the call.
        """
        raise TypeError(f"{self.name} is of family {self.family!r}; its reference has no oracle over cosines")

    def reference(
        self, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
    ) -> Gradients:
        """Loss, logits, gradients and next state of one training call in NumPy float64, to test the backends against.

        Args:
            embeddings: (N, E), not normalised.
            labels: (N,).
            state: the head's whole canonical state, ``weight`` included.
            criterion: ``criterion``, ``label_smoothing``, ``focal_gamma``.
        """
        return margin_reference(self, embeddings, labels, state, **criterion)


def xavier_uniform(shape: tuple[int, ...], rng: np.random.Generator, rows: slice | None = None) -> np.ndarray:
    """Uniform in +-sqrt(6 / (fan in + fan out)), float32.

    Args:
        shape: of the whole array.
        rng: a fresh generator of PCG64.
        rows: the rows to give, ``slice(first, end)``, without the time and memory of the others; None gives all.
    """
    bound = np.sqrt(6.0 / (shape[0] + shape[-1]))
    first, end = (0, shape[0]) if rows is None else (rows.start, rows.stop)
    rng.bit_generator.advance(first * math.prod(shape[1:]))  # type: ignore[attr-defined]  # one draw per value
    drawn = np.empty((end - first, *shape[1:]), np.float32)
    for start in range(0, len(drawn), ROWS):
        part = drawn[start : start + ROWS]
        part[...] = rng.uniform(-bound, bound, part.shape)
    return drawn


def draw_weight(shape: tuple[int, ...], seed: int, rows: slice | None = None) -> dict[str, np.ndarray]:
    """Initial class weights of a run, as a state with one entry."""
    return {"weight": xavier_uniform(shape, generator(seed, "init", "head.weight"), rows)}
