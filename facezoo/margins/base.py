"""What a loss head says about itself, once for both backends: hyper-parameters, equation, paper, oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.rng import generator


@dataclass(frozen=True, kw_only=True)
class Margin:
    """The neutral description of one loss head. Hyper-parameters are the fields of a subclass.

    Attributes:
        variant: which published form, where implementations differ; "ref" is the default.
    """

    name: ClassVar[str]  # the public name, and the native class's
    module: ClassVar[str]  # the file below backends/*/heads
    paper: ClassVar[str]
    equation: ClassVar[str]
    kind: ClassVar[str] = "margin"  # "margin" (over columns), "linear", "metric" or "regulariser"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"ref": {}}  # variant -> its own defaults
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}  # hyper-parameter -> lowest and highest valid value
    smooth: ClassVar[bool] = True  # whether logits are differentiable everywhere but at the poles

    variant: str = "ref"

    def __post_init__(self) -> None:
        if self.variant not in self.variants:
            raise UnknownNameError(f"variant of {self.name}", self.variant, self.variants)
        for key, (low, high) in self.ranges.items():
            value = getattr(self, key)
            if not low <= value <= high:
                raise ConfigError(f"{self.name}: {key} is {value}; expected {low} to {high}")

    @property
    def classifies(self) -> bool:
        """Whether the loss is a cross-entropy over class logits, so that a criterion can be chosen."""
        return self.kind in ("margin", "linear")

    @classmethod
    def create(cls, **hyper: Any) -> Margin:
        """Build with the defaults of the variant asked for, then the given values.

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

    def hyper(self) -> dict[str, Any]:
        """Hyper-parameters by name, as the native class takes them."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.init}

    def initial_state(self, embedding_size: int, num_classes: int, seed: int) -> dict[str, np.ndarray]:
        """Initial values of the head's parameters, canonical names; buffers stay as constructed."""
        return {"weight": xavier_uniform((num_classes, embedding_size), generator(seed, "init", "head.weight"))}


@dataclass
class Reference:
    """What a margin's oracle returns for one batch, all float64.

    Every margin head's logit depends on its own cosine and, in a few heads, on the embedding's norm; whatever
    else enters is held constant in the gradient. So two slopes carry the whole derivative.

    Attributes:
        logits: (N, C), as the cross-entropy gets them.
        slope: (N, C), d logits / d cosine.
        norm_slope: (N, C) or None, d logits / d norm of the embedding.
        penalty: what is added to the loss.
        penalty_norm_slope: (N,) or None, d penalty / d norm.
        state: the head's state after this call.
    """

    logits: np.ndarray
    slope: np.ndarray
    norm_slope: np.ndarray | None = None
    penalty: float = 0.0
    penalty_norm_slope: np.ndarray | None = None
    state: Mapping[str, np.ndarray] | None = None


def xavier_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform in +-sqrt(6 / (fan in + fan out)), float32."""
    bound = np.sqrt(6.0 / (shape[0] + shape[-1]))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
