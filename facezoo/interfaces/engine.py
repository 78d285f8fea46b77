"""What the training loop needs from a framework, and no more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from facezoo.canonical.class_rows import ClassRows
from facezoo.interfaces.distillation import DistillationSettings
from facezoo.interfaces.optimizer import OptimizerSettings
from facezoo.interfaces.parallel import ParallelSettings
from facezoo.specs.preprocess import Preprocess

PRECISIONS = ("auto", "float32", "bfloat16", "float16", "float64")


@dataclass(frozen=True)
class EngineSettings:
    """How an engine trains and embeds; neutral, and the same for every backend.

    Attributes:
        preprocess: from uint8 RGB crops to what the backbone takes.
        optimizer: what updates the weights.
        parallel: how several processes train together.
        seed: of dropout.
        clip_norm: upper bound of the gradient's global norm; None leaves it.
        accumulation: micro-batches a step is split into, 1 or more.
        precision: "float32", "bfloat16" or "float16" (autocast; weights and head stay float32; float16 with a scaled
            loss) or "float64" (slow; for comparing backends, since rounding grows from step to step in any deep
            network).
        device: "cpu", "gpu", "gpu:1", or "auto" for a GPU where there is one.
        threads: CPU threads; 0 takes all.
        compiled: embed by the backend's compiled way, where results stay the same.
        compile: train by torch.compile; torch only.
        channels_last: whether images and weights of convolutions are channels-last in memory; None decides by precision
            and device; torch only.
        distillation: what is learned from a teacher; None without one.
        average: decay of the moving average of the backbone's weights, 0 to below 1; 0 keeps none.
        rates: canonical name of a backbone's tensor -> factor of its learning rate; 0 is frozen; 1 where none is given.
        freeze_statistics: whether batch norm keeps its running statistics and computes with them.
    """

    preprocess: Preprocess = field(default_factory=Preprocess)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    parallel: ParallelSettings = field(default_factory=ParallelSettings)
    seed: int = 0
    clip_norm: float | None = None
    accumulation: int = 1
    precision: str = "float32"
    device: str = "auto"
    threads: int = 0
    compiled: bool = True
    compile: bool = False
    channels_last: bool | None = None
    distillation: DistillationSettings | None = None
    average: float = 0.0
    rates: Mapping[str, float] = field(default_factory=dict)
    freeze_statistics: bool = False


class StepResult(NamedTuple):
    """One training step.

    Attributes:
        loss: mean over the batch, before the update.
        grad_norm: global norm of the gradient before clipping.
        applied: False when loss or gradient was NaN or infinite; then nothing was changed.
        skipped: not applied, and the next step will have a smaller loss scale: float16 overflowed.
        distance: from the teacher, of the images of this process, times its factor; None without a teacher.
    """

    loss: float
    grad_norm: float
    applied: bool
    skipped: bool = False
    distance: float | None = None


class Engine(ABC):
    """One model in training on one framework: a backbone, a head, both built already, and an optimiser.

    Attributes:
        settings: how it trains.
        backbone: the native module.
        head: the native module; where the classes are divided, the part of this process.
        distiller: the native module that measures the distance from the teacher; None without one.
        distillation_share: weight of that distance, 0..1; the head's loss has the rest.
        average: a copy of the backbone with the moving average of its weights; None where none is kept.
        rows: the classes that ``head`` holds; None where every process holds all.
        rank: this process, 0 to world_size - 1.
        world_size: processes that train together.
    """

    settings: EngineSettings
    backbone: Any
    head: Any
    distiller: Any
    distillation_share: float = 0.5
    average: Any
    rows: ClassRows | None
    rank: int
    world_size: int

    @abstractmethod
    def train_step(
        self, images: np.ndarray, labels: np.ndarray, step: int, targets: np.ndarray | None = None
    ) -> StepResult:
        """One step of the optimiser.

        Args:
            images: (N, H, W, 3) uint8 RGB.
            labels: (N,) int64, 0..C-1.
            step: number of this step from 0; dropout depends on it, so that a resumed run repeats it.
            targets: (N, T) float32, the teacher's embeddings of the images; None without a teacher.
        """

    @abstractmethod
    def embed(self, images: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32, not normalised, of (N, H, W, 3) uint8 RGB; in evaluation mode.

        They are those of the averaged weights, where an average is kept.
        """

    @abstractmethod
    def set_learning_rate(self, value: float) -> None:
        """For the steps that follow."""

    @abstractmethod
    def optimizer_state(self) -> dict[str, np.ndarray]:
        """The optimiser's state, named as :mod:`facezoo.interfaces.optimizer` says; empty before the first step.

        Parameters carry their canonical name with "backbone.", "head." or "distillation." before it.
        """

    @abstractmethod
    def load_optimizer_state(self, state: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`optimizer_state`."""

    @abstractmethod
    def gather(self, values: np.ndarray) -> np.ndarray:
        """Arrays (n, ...) of all processes joined in the order of their ranks, in each process; n may differ."""

    @abstractmethod
    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask."""

    @abstractmethod
    def barrier(self) -> None:
        """Wait until every process is here."""
