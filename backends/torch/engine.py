"""Training and embedding on PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import cast

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch import distributed, state
from facezoo.backends.torch.adapters import has_adapters
from facezoo.backends.torch.average import average_of, update_average
from facezoo.backends.torch.device import pick_device
from facezoo.backends.torch.distillation import Distiller
from facezoo.backends.torch.heads.margin import MarginHead
from facezoo.backends.torch.infer import Inference
from facezoo.backends.torch.objective import Objective
from facezoo.backends.torch.optimizers import RunOptimizer, Trained
from facezoo.backends.torch.pixels import to_input
from facezoo.backends.torch.precision import autocast, memory_format
from facezoo.backends.torch.replicas import replicate
from facezoo.backends.torch.row_optimizer import RowOptimizer
from facezoo.backends.torch.sharded_head import ShardedHead
from facezoo.backends.torch.trainable import freeze, still_norms
from facezoo.canonical.class_rows import ClassRows
from facezoo.interfaces.average import decay_at
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.interfaces.loss_scale import LossScale
from facezoo.interfaces.micro_batch import MicroBatch, micro_batches
from facezoo.io.memory import keep_freed_memory
from facezoo.rng import generator
from facezoo.specs.base import BackboneSpec


class TorchEngine(Engine):
    """Backbone, head and optimiser on one device; see :class:`facezoo.interfaces.engine.Engine`."""

    def __init__(
        self, settings: EngineSettings, backbone: nn.Module, head: nn.Module, rows: ClassRows | None = None
    ) -> None:
        self.settings, self.backbone, self.head, self.rows = settings, backbone, head, rows
        self.device = pick_device(settings.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.rank, self.world_size = distributed.join(self.device, settings.parallel.timeout)
        self._layout = memory_format(settings.channels_last, settings.precision, self.device)
        self.scale = LossScale(settings.precision == "float16")
        self._dtype = torch.float64 if settings.precision == "float64" else torch.float32
        self.backbone.to(self.device, memory_format=self._layout)
        self.head.to(self.device)
        if settings.precision == "float64":
            self.backbone.double()
            self.head.double()  # only then: some heads keep a part of their state in float64 anyway
        rate = settings.parallel.sample_rate
        self._sharded = None if rows is None else ShardedHead(
            cast(MarginHead, head), rows, rate, settings.seed, self.rank, self.world_size
        )  # fmt: skip
        self.distiller = None
        if settings.distillation is not None:
            self.distiller = Distiller(settings.distillation).to(self.device, self._dtype)
        self.average = average_of(backbone) if settings.average else None
        freeze(backbone, settings.rates)
        self._still = still_norms(backbone, settings.rates, settings.freeze_statistics)
        network = Objective(backbone, head if self._sharded is None else None, self.distiller)
        if settings.compile:
            network = cast(Objective, torch.compile(network))  # embedding uses the backbone as it is
        learns = any(value.requires_grad for value in network.parameters())
        several = self.world_size > 1 and learns
        self._replica = replicate(network, self.device, settings.parallel) if several else None
        self._network: nn.Module = network if self._replica is None else self._replica
        trained = self._trained()
        tables = set() if self._sharded is None else {f"head.{name}" for name in self._sharded.tables}
        self._tables = [entry for entry in trained if entry[0] in tables]
        self._whole = [entry for entry in trained if entry[0] not in tables]
        sampled = self._tables if rate < 1 else []
        self.optimizer = RunOptimizer(settings.optimizer, self._whole if sampled else trained, settings.rates)
        self._rows = RowOptimizer(settings.optimizer, sampled) if sampled else None
        modules = [*backbone.modules(), *head.modules()]
        self._buffers = [(layer._buffers, name) for layer in modules for name in layer._buffers]
        self._inference = Inference(
            backbone if self.average is None else self.average,
            settings.device,
            settings.precision,
            settings.threads,
            self._layout,
            settings.preprocess,
            folding=settings.compiled
            and isinstance(getattr(backbone, "spec", None), BackboneSpec)
            and not has_adapters(backbone),
        )

    def _trained(self) -> Trained:
        """What the optimiser updates: name with the module's prefix, description, tensor; a shared tensor once."""
        parts = {"backbone": self.backbone, "head": self.head, "distillation": self.distiller}
        leaves = [
            (f"{part}.{item.name}", item, value)
            for part, module in parts.items() if module is not None
            for item, value in state.leaves(module)
        ]  # fmt: skip
        unique = {id(entry[2]): entry for entry in reversed(leaves)}
        return [entry for entry in reversed(unique.values()) if entry[1].trained]

    def train_step(
        self, images: np.ndarray, labels: np.ndarray, step: int, targets: np.ndarray | None = None
    ) -> StepResult:
        torch.manual_seed(int(generator(self.settings.seed, "dropout", step, self.rank).integers(2**31)))
        self._inference.forget()
        self.backbone.train()
        self.head.train()
        for layer in self._still:
            layer.eval()
        self.optimizer.clear_gradients()
        if self._sharded is not None:
            self._sharded.choose(labels, step)
        held = [(values, name, value.clone()) for values, name in self._buffers if (value := values[name]) is not None]
        loss, distance = 0.0, 0.0
        parts = self.settings.accumulation
        for number, batch in enumerate(micro_batches(images, labels, targets, parts), 1):
            share = len(batch.labels) / len(labels)
            early = self._replica if number < parts else None  # gradients are averaged in the last micro-batch
            with nullcontext() if early is None else early.no_sync():
                value, part = self._loss(batch)
                (value * share * self.scale.value).backward()
            loss += float(value.detach()) * share
            distance += float(part.detach()) * share if part is not None else 0.0
        gradients, loss, norm = self._gradients(loss)
        norm /= self.scale.value
        finite = bool(np.isfinite(loss) and np.isfinite(norm))
        if finite:
            limit = self.settings.clip_norm
            factor = (limit / norm if limit is not None and norm > limit else 1.0) / self.scale.value
            if factor != 1:
                torch._foreach_mul_(gradients, factor)
            self.optimizer.step()
            if self._rows is not None and self._sharded is not None and self._sharded.index is not None:
                active = {f"head.{name}": value for name, value in self._sharded.active.items()}
                self._rows.step(active, self._sharded.index)
        else:
            for values, name, value in held:
                if (current := values[name]) is not None:
                    current.copy_(value)
        if self.world_size > 1:
            distributed.average([value for value in self._network.buffers() if value.is_floating_point()])
        if self.average is not None and finite:
            update_average(self.average, self.backbone, decay_at(self.settings.average, step))
        skipped = not finite and self.scale.can_shrink
        self.scale.update(finite=finite)
        return StepResult(loss, norm, finite, skipped, None if targets is None else distance)

    def _gradients(self, loss: float) -> tuple[list[torch.Tensor], float, float]:
        """Gradients, mean loss and global norm, over all processes."""
        shared = [value.grad for _, _, value in self._whole if value.grad is not None]
        tables: list[torch.Tensor] = []
        if self._sharded is not None:
            found = [self._sharded.active.get(name, value) for name, value in self._sharded.tables.items()]
            tables = [value.grad for value in found if value.grad is not None]
            if self.world_size > 1 and self._sharded.replicated:
                distributed.total([value.grad for value in self._sharded.replicated if value.grad is not None])
        norm = _norm(shared)
        if self.world_size > 1:
            squares = _norm(tables).double() ** 2 if tables else torch.zeros((), dtype=torch.float64)
            summary = torch.stack([torch.tensor(loss / self.world_size, dtype=torch.float64), squares.cpu()])
            summary = summary.to(self.device)
            distributed.total([summary])
            loss = summary[0].item()
            norm = (norm.double() ** 2 + summary[1]).sqrt()
        elif tables:
            norm = _norm([*shared, *tables])
        return [*shared, *tables], loss, float(norm)

    def _loss(self, batch: MicroBatch) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The loss of a part of the batch, and its distance from the teacher before weighting."""
        x = to_input(torch.from_numpy(batch.images).to(self.device, non_blocking=True), self.settings.preprocess)
        x = x.to(self._dtype).contiguous(memory_format=self._layout)
        labels = torch.from_numpy(batch.labels).to(self.device, non_blocking=True)
        targets = None if batch.targets is None else torch.from_numpy(batch.targets).to(self.device, non_blocking=True)
        with autocast(self.device.type, self.settings.precision):
            value, distance = self._network(x, labels, targets)
            loss = value if self._sharded is None else self._sharded(value, labels)
        if distance is not None:
            loss = (1 - self.distillation_share) * loss + self.distillation_share * distance
        return loss, distance

    def embed(self, images: np.ndarray) -> np.ndarray:
        return self._inference(images)

    def set_learning_rate(self, value: float) -> None:
        self.optimizer.set_learning_rate(value)
        if self._rows is not None:
            self._rows.set_learning_rate(value)

    def optimizer_state(self) -> dict[str, np.ndarray]:
        rows = {} if self._rows is None else self._rows.state()
        return {**self.optimizer.state(), **rows, **self.scale.state()}

    def load_optimizer_state(self, values: Mapping[str, np.ndarray]) -> None:
        self.optimizer.load_state(values)
        self.scale.load_state(values)
        if self._rows is not None:
            self._rows.load_state(values)

    def gather(self, values: np.ndarray) -> np.ndarray:
        if self.world_size == 1:
            return values
        return distributed.gather_arrays(torch.from_numpy(values).to(self.device)).cpu().numpy()

    def any(self, flag: bool) -> bool:
        return distributed.any_of(flag, self.device) if self.world_size > 1 else flag

    def barrier(self) -> None:
        if self.world_size > 1:
            distributed.wait()


def _norm(gradients: list[torch.Tensor]) -> torch.Tensor:
    """The global norm of some gradients."""
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
