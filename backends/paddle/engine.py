"""Training and embedding on PaddlePaddle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import cast

import numpy as np
import paddle
from paddle import nn
from paddle.nn.clip import _squared_l2_norm

from facezoo.backends.paddle import distributed, state
from facezoo.backends.paddle.average import average_of, update_average
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.distillation import Distiller
from facezoo.backends.paddle.heads.margin import MarginHead
from facezoo.backends.paddle.infer import Inference
from facezoo.backends.paddle.objective import Objective
from facezoo.backends.paddle.optimizers import RunOptimizer, Trained
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.precision import autocast
from facezoo.backends.paddle.replicas import replicate
from facezoo.backends.paddle.row_optimizer import RowOptimizer
from facezoo.backends.paddle.sharded_head import ShardedHead
from facezoo.backends.paddle.trainable import freeze, still_norms
from facezoo.canonical.class_rows import ClassRows
from facezoo.interfaces.average import decay_at
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.interfaces.loss_scale import LossScale
from facezoo.interfaces.micro_batch import MicroBatch, micro_batches
from facezoo.rng import generator


class PaddleEngine(Engine):
    """Backbone, head and optimiser on one device; see :class:`facezoo.interfaces.engine.Engine`."""

    def __init__(
        self, settings: EngineSettings, backbone: nn.Layer, head: nn.Layer, rows: ClassRows | None = None
    ) -> None:
        self.settings, self.backbone, self.head, self.rows = settings, backbone, head, rows
        self.device = pick_device(settings.device)
        paddle.set_device(self.device)
        self.rank, self.world_size = distributed.join(self.device, settings.parallel.timeout)
        self.backbone.to(self.device)
        self.head.to(self.device)
        self.scale = LossScale(settings.precision == "float16")
        self._dtype = "float64" if settings.precision == "float64" else "float32"
        if settings.precision == "float64":
            self.backbone.to(dtype="float64")
            self.head.to(dtype="float64")  # only then: some heads keep a part of their state in float64 anyway
        rate = settings.parallel.sample_rate
        self._sharded = None if rows is None else ShardedHead(
            cast(MarginHead, head), rows, rate, settings.seed, self.rank, self.world_size
        )  # fmt: skip
        self.distiller = None
        if settings.distillation is not None:
            self.distiller = Distiller(settings.distillation)
            self.distiller.to(self.device, dtype=self._dtype)
        self.average = average_of(backbone) if settings.average else None
        self._frozen = {id(value) for value in freeze(backbone, settings.rates)}
        self._still = still_norms(backbone, settings.rates, settings.freeze_statistics)
        network = Objective(backbone, head if self._sharded is None else None, self.distiller)
        several = self.world_size > 1 and any(not value.stop_gradient for value in network.parameters())
        self._replica = replicate(network, self.device, settings.parallel) if several else None
        self._network: nn.Layer = network if self._replica is None else self._replica
        trained = self._trained()
        tables = set() if self._sharded is None else {f"head.{name}" for name in self._sharded.tables}
        self._tables = [entry for entry in trained if entry[0] in tables]
        self._whole = [entry for entry in trained if entry[0] not in tables]
        sampled = self._tables if rate < 1 else []
        self.optimizer = RunOptimizer(settings.optimizer, self._whole if sampled else trained, settings.rates)
        self._rows = RowOptimizer(settings.optimizer, sampled) if sampled else None
        layers = [layer for module in (backbone, head) for layer in module.sublayers(include_self=True)]
        stores = [values for layer in layers for values in (layer._parameters, layer._buffers)]
        self._buffers = [(values, name) for values in stores for name in values]
        self._inference = Inference(
            backbone if self.average is None else self.average,
            settings.device,
            settings.precision,
            settings.threads,
            settings.compiled,
            settings.preprocess,
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

    def _statistics(self) -> list[paddle.Tensor]:
        """State of the network that no gradient changes: that of batch norm, and of a head that is not divided."""
        found = [value for _, value in (*self._network.named_buffers(), *self._network.named_parameters())]
        return list(
            {id(value): value for value in found if value.stop_gradient and id(value) not in self._frozen}.values()
        )

    def train_step(
        self, images: np.ndarray, labels: np.ndarray, step: int, targets: np.ndarray | None = None
    ) -> StepResult:
        paddle.seed(int(generator(self.settings.seed, "dropout", step, self.rank).integers(2**31)))
        self.backbone.train()
        self.head.train()
        for layer in self._still:
            layer.eval()
        self.optimizer.clear_gradients()
        if self._sharded is not None:
            self._sharded.choose(labels, step)
        held = [
            (values, name, value.clone())
            for values, name in self._buffers
            if (value := values[name]) is not None and value.stop_gradient and id(value) not in self._frozen
        ]
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
            self._rescale(gradients, norm)
            self.optimizer.step()
            if self._rows is not None and self._sharded is not None and self._sharded.index is not None:
                active = {f"head.{name}": value for name, value in self._sharded.active.items()}
                self._rows.step(active, self._sharded.index)
        else:
            for values, name, value in held:
                values[name].set_value(value)
        if self.world_size > 1:
            distributed.average([value for value in self._statistics() if value.is_floating_point()])
        if self.average is not None and finite:
            update_average(self.average, self.backbone, decay_at(self.settings.average, step))
        skipped = not finite and self.scale.can_shrink
        self.scale.update(finite=finite)
        return StepResult(loss, norm, finite, skipped, None if targets is None else distance)

    @paddle.no_grad()
    def _gradients(self, loss: float) -> tuple[list[paddle.Tensor], float, float]:
        """Gradients, mean loss and global norm, over all processes."""
        shared = [value.grad for _, _, value in self._whole if value.grad is not None]
        tables: list[paddle.Tensor] = []
        if self._sharded is not None:
            found = [self._sharded.active.get(name, value) for name, value in self._sharded.tables.items()]
            tables = [value.grad for value in found if value.grad is not None]
            if self.world_size > 1 and self._sharded.replicated:
                distributed.total([value.grad for value in self._sharded.replicated if value.grad is not None])
        if self.world_size == 1:
            return [*shared, *tables], loss, float(_squares([*shared, *tables]).sqrt())
        squares = float(_squares(tables)) if tables else 0.0
        summary = paddle.to_tensor([loss / self.world_size, squares], dtype="float64")
        distributed.total([summary])
        loss, squares = (float(value) for value in summary.numpy())
        return [*shared, *tables], loss, float(np.sqrt(float(_squares(shared)) + squares))

    def _loss(self, batch: MicroBatch) -> tuple[paddle.Tensor, paddle.Tensor | None]:
        """The loss of a part of the batch, and its distance from the teacher before weighting."""
        x = to_input(paddle.to_tensor(batch.images), self.settings.preprocess).astype(getattr(paddle, self._dtype))
        labels = paddle.to_tensor(batch.labels)
        targets = None if batch.targets is None else paddle.to_tensor(batch.targets)
        with autocast(self.settings.precision):
            value, distance = self._network(x, labels, targets)
            loss = value if self._sharded is None else self._sharded(value, labels)
        if distance is not None:
            loss = (1 - self.distillation_share) * loss + self.distillation_share * distance
        return loss, distance

    @paddle.no_grad()
    def _rescale(self, gradients: list[paddle.Tensor], norm: float) -> None:
        limit = self.settings.clip_norm
        factor = (limit / norm if limit is not None and norm > limit else 1.0) / self.scale.value
        for gradient in gradients if factor != 1 else ():
            gradient.scale_(factor)

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
        return distributed.gather_arrays(paddle.to_tensor(values)).numpy()

    def any(self, flag: bool) -> bool:
        return distributed.any_of(flag, self.device) if self.world_size > 1 else flag

    def barrier(self) -> None:
        if self.world_size > 1:
            distributed.wait()


def _squares(gradients: list[paddle.Tensor]) -> paddle.Tensor:
    """The sum of the squares of some gradients."""
    return paddle.add_n([_squared_l2_norm(gradient).sum() for gradient in gradients])
