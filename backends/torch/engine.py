"""Training and embedding on PyTorch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import distributed, state
from facezoo.backends.torch.device import pick_device
from facezoo.backends.torch.infer import Inference
from facezoo.backends.torch.optimizers import RunOptimizer
from facezoo.backends.torch.pixels import to_input
from facezoo.canonical.leaf import Leaf
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.rng import generator


class TorchEngine(Engine):
    """Backbone, head and optimiser on one device; see :class:`facezoo.interfaces.engine.Engine`."""

    def __init__(self, settings: EngineSettings, backbone: nn.Module, head: nn.Module) -> None:
        self.settings, self.backbone, self.head = settings, backbone, head
        self.device = pick_device(settings.device)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.rank, self.world_size = distributed.join(self.device)
        # torch's batch norm sums naively over channels-last maps in float32: variances are off by 1e-5, and gradients
        # of a deep network by 1e-3. bfloat16 is coarser than that, and there channels-last is twice as fast.
        self._layout = torch.channels_last if settings.precision == "bfloat16" else torch.contiguous_format
        self._dtype = torch.float64 if settings.precision == "float64" else torch.float32
        self.backbone.to(self.device, memory_format=self._layout)
        self.head.to(self.device)
        if settings.precision == "float64":
            self.backbone.double()
            self.head.double()  # only then: some heads keep a part of their state in float64 anyway
        unique = {id(value): (name, item, value) for name, item, value in reversed(self._leaves())}
        trained = [entry for entry in reversed(unique.values()) if entry[1].trained]  # a shared tensor comes once
        self.trained = {name: value for name, _, value in trained}
        self.optimizer = RunOptimizer(settings.optimizer, trained)
        layers = [layer for module in (backbone, head) for layer in module.modules()]
        self._buffers = [(layer._buffers, name) for layer in layers for name in layer._buffers]
        self._inference = Inference(
            self.backbone, settings.device, settings.precision, settings.threads, self._layout, settings.preprocess
        )

    def _leaves(self) -> list[tuple[str, Leaf, torch.Tensor]]:
        return [
            (f"{part}.{item.name}", item, value)
            for part, module in (("backbone", self.backbone), ("head", self.head))
            for item, value in state.leaves(module)
        ]

    def train_step(self, images: np.ndarray, labels: np.ndarray, step: int) -> StepResult:
        torch.manual_seed(int(generator(self.settings.seed, "dropout", step, self.rank).integers(2**31)))
        self.backbone.train()
        self.head.train()
        self.optimizer.clear_gradients()
        held = [(values, name, value.clone()) for values, name in self._buffers if (value := values[name]) is not None]
        loss = 0.0
        parts = self.settings.accumulation
        for part_images, part_labels in zip(np.array_split(images, parts), np.array_split(labels, parts), strict=True):
            share = len(part_labels) / len(labels)
            value = self._loss(part_images, part_labels) * share
            value.backward()
            loss += float(value.detach())
        gradients = [value.grad for value in self.trained.values() if value.grad is not None]
        if self.world_size > 1:
            summary = torch.tensor([loss], device=self.device)
            distributed.average([*gradients, summary])
            loss = summary.item()
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        finite = bool(np.isfinite(loss)) and bool(torch.isfinite(norm))
        if finite:
            self._clip(gradients, norm)
            self.optimizer.step()
        else:
            for values, name, value in held:
                if (current := values[name]) is not None:
                    current.copy_(value)
        return StepResult(loss, float(norm), finite)

    def _loss(self, images: np.ndarray, labels: np.ndarray) -> torch.Tensor:
        x = to_input(torch.from_numpy(images).to(self.device, non_blocking=True), self.settings.preprocess)
        x = x.to(self._dtype).contiguous(memory_format=self._layout)
        target = torch.from_numpy(labels).to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"):
            return self.head(self.backbone(x), target)

    def _clip(self, gradients: list[torch.Tensor], norm: torch.Tensor) -> None:
        limit = self.settings.clip_norm
        if limit is not None and float(norm) > limit:
            torch._foreach_mul_(gradients, limit / float(norm))

    def embed(self, images: np.ndarray) -> np.ndarray:
        return self._inference(images)

    def set_learning_rate(self, value: float) -> None:
        self.optimizer.set_learning_rate(value)

    def optimizer_state(self) -> dict[str, np.ndarray]:
        return self.optimizer.state()

    def load_optimizer_state(self, values: Mapping[str, np.ndarray]) -> None:
        self.optimizer.load_state(values)

    def any(self, flag: bool) -> bool:
        return distributed.any_of(flag, self.device) if self.world_size > 1 else flag

    def barrier(self) -> None:
        if self.world_size > 1:
            distributed.wait()
