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
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.heads.margin import MarginHead
from facezoo.backends.paddle.infer import Inference
from facezoo.backends.paddle.optimizers import RunOptimizer, Trained
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.precision import autocast
from facezoo.backends.paddle.replicas import replicate
from facezoo.backends.paddle.row_optimizer import RowOptimizer
from facezoo.backends.paddle.sharded_head import ShardedHead
from facezoo.canonical.class_rows import ClassRows
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.interfaces.loss_scale import LossScale
from facezoo.rng import generator


class _BackboneAndHead(nn.Layer):
    """The loss as a function of images and labels, for one reducer of all gradients."""

    def __init__(self, backbone: nn.Layer, head: nn.Layer) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, images: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        return self.head(self.backbone(images), labels)


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
        network = _BackboneAndHead(backbone, head) if self._sharded is None else backbone
        self._replica = replicate(network, self.device, settings.parallel) if self.world_size > 1 else None
        self._network: nn.Layer = network if self._replica is None else self._replica
        trained = self._trained()
        tables = set() if self._sharded is None else {f"head.{name}" for name in self._sharded.tables}
        self._tables = [entry for entry in trained if entry[0] in tables]
        self._whole = [entry for entry in trained if entry[0] not in tables]
        sampled = self._tables if rate < 1 else []
        self.optimizer = RunOptimizer(settings.optimizer, self._whole if sampled else trained)
        self._rows = RowOptimizer(settings.optimizer, sampled) if sampled else None
        layers = [layer for module in (backbone, head) for layer in module.sublayers(include_self=True)]
        stores = [values for layer in layers for values in (layer._parameters, layer._buffers)]
        self._buffers = [(values, name) for values in stores for name in values]
        self._inference = Inference(
            self.backbone, settings.device, settings.precision, settings.threads, settings.compiled, settings.preprocess
        )

    def _trained(self) -> Trained:
        """What the optimiser updates: name with the module's prefix, description, tensor; a shared tensor once."""
        leaves = [
            (f"{part}.{item.name}", item, value)
            for part, module in (("backbone", self.backbone), ("head", self.head))
            for item, value in state.leaves(module)
        ]
        unique = {id(entry[2]): entry for entry in reversed(leaves)}
        return [entry for entry in reversed(unique.values()) if entry[1].trained]

    def _statistics(self) -> list[paddle.Tensor]:
        """State of the network that no gradient changes: that of batch norm, and of a head that is not divided."""
        found = [value for _, value in (*self._network.named_buffers(), *self._network.named_parameters())]
        return list({id(value): value for value in found if value.stop_gradient}.values())

    def train_step(self, images: np.ndarray, labels: np.ndarray, step: int) -> StepResult:
        paddle.seed(int(generator(self.settings.seed, "dropout", step, self.rank).integers(2**31)))
        self.backbone.train()
        self.head.train()
        self.optimizer.clear_gradients()
        if self._sharded is not None:
            self._sharded.choose(labels, step)
        held = [
            (values, name, value.clone())
            for values, name in self._buffers
            if (value := values[name]) is not None and value.stop_gradient
        ]
        loss = 0.0
        parts = self.settings.accumulation
        pairs = list(zip(np.array_split(images, parts), np.array_split(labels, parts), strict=True))
        for number, (part_images, part_labels) in enumerate(pairs, 1):
            share = len(part_labels) / len(labels)
            early = self._replica if number < parts else None  # gradients are averaged in the last micro-batch
            with nullcontext() if early is None else early.no_sync():
                value = self._loss(part_images, part_labels) * share
                (value * self.scale.value).backward()
            loss += float(value.detach())
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
        skipped = not finite and self.scale.can_shrink
        self.scale.update(finite=finite)
        return StepResult(loss, norm, finite, skipped)

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

    def _loss(self, images: np.ndarray, labels: np.ndarray) -> paddle.Tensor:
        x = to_input(paddle.to_tensor(images), self.settings.preprocess).astype(getattr(paddle, self._dtype))
        target = paddle.to_tensor(labels)
        with autocast(self.settings.precision):
            if self._sharded is None:
                return self._network(x, target)
            return self._sharded(self._network(x), target)

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
