"""What the training loop needs from a framework, and no more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from facezoo.specs.base import BackboneSpec

PRECISIONS = ("float32", "bfloat16", "float64")


@dataclass(frozen=True)
class EngineSettings:
    """What an engine is built from; neutral, and the same for every backend.

    Attributes:
        spec: the backbone.
        head: public name of the head.
        head_options: its hyper-parameters, criterion and label smoothing.
        num_classes: C.
        seed: of the initial weights and of dropout.
        momentum: of SGD, 0 to below 1.
        weight_decay: L2 on weights of convolutions, linear layers and tables; BN, PReLU and biases are free of it.
        clip_norm: upper bound of the gradient's global norm; None leaves it.
        accumulation: micro-batches a step is split into, 1 or more.
        precision: "float32", "bfloat16" (autocast; weights and head stay float32) or "float64" (slow; for comparing
            backends, since rounding grows from step to step in any deep network).
        device: "cpu", "gpu", "gpu:1", or "auto" for a GPU where there is one.
        threads: CPU threads; 0 takes all.
        compiled: embed by the backend's compiled way, where results stay the same.
    """

    spec: BackboneSpec
    head: str
    num_classes: int
    head_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float | None = None
    accumulation: int = 1
    precision: str = "float32"
    device: str = "auto"
    threads: int = 0
    compiled: bool = True


class StepResult(NamedTuple):
    """One training step.

    Attributes:
        loss: mean over the batch, before the update.
        grad_norm: global norm of the gradient before clipping.
        applied: False when loss or gradient was NaN or infinite; then nothing was changed.
    """

    loss: float
    grad_norm: float
    applied: bool


class Engine(ABC):
    """One model in training on one framework: backbone, head and SGD.

    Attributes:
        settings: what it was built from.
        backbone: the native module.
        head: the native module.
        rank: this process, 0 to world_size - 1.
        world_size: processes that train together.
    """

    settings: EngineSettings
    backbone: Any
    head: Any
    rank: int
    world_size: int

    @abstractmethod
    def train_step(self, images: np.ndarray, labels: np.ndarray, step: int) -> StepResult:
        """One step of SGD.

        Args:
            images: (N, H, W, 3) uint8 RGB.
            labels: (N,) int64, 0..C-1.
            step: number of this step from 0; dropout depends on it, so that a resumed run repeats it.
        """

    @abstractmethod
    def embed(self, images: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32, not normalised, of (N, H, W, 3) uint8 RGB; in evaluation mode."""

    @abstractmethod
    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""

    @abstractmethod
    def momentum_state(self) -> dict[str, np.ndarray]:
        """Momentum buffers by canonical name, "backbone." or "head." before it; empty before the first step."""

    @abstractmethod
    def load_momentum_state(self, state: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`momentum_state`."""

    @abstractmethod
    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask."""

    @abstractmethod
    def barrier(self) -> None:
        """Wait until every process is here."""
