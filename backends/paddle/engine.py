"""Training and embedding on PaddlePaddle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle import distributed, state
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.infer import Inference
from facezoo.backends.paddle.optimizers import RunOptimizer
from facezoo.backends.paddle.pixels import to_input
from facezoo.canonical.leaf import Leaf
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.rng import generator


class PaddleEngine(Engine):
    """Backbone, head and optimiser on one device; see :class:`facezoo.interfaces.engine.Engine`."""

    def __init__(self, settings: EngineSettings, backbone: nn.Layer, head: nn.Layer) -> None:
        self.settings, self.backbone, self.head = settings, backbone, head
        self.device = pick_device(settings.device)
        paddle.set_device(self.device)
        self.rank, self.world_size = distributed.join(self.device)
        self.backbone.to(self.device)
        self.head.to(self.device)
        self._dtype = "float64" if settings.precision == "float64" else "float32"
        if settings.precision == "float64":
            self.backbone.to(dtype="float64")
            self.head.to(dtype="float64")  # only then: some heads keep a part of their state in float64 anyway
        unique = {id(value): (name, item, value) for name, item, value in reversed(self._leaves())}
        trained = [entry for entry in reversed(unique.values()) if entry[1].trained]  # a shared tensor comes once
        self.trained = {name: value for name, _, value in trained}
        self.optimizer = RunOptimizer(settings.optimizer, trained)
        layers = [layer for module in (backbone, head) for layer in module.sublayers(include_self=True)]
        tables = [values for layer in layers for values in (layer._parameters, layer._buffers)]
        self._buffers = [(values, name) for values in tables for name in values]
        self._inference = Inference(
            self.backbone, settings.device, settings.precision, settings.threads, settings.compiled, settings.preprocess
        )

    def _leaves(self) -> list[tuple[str, Leaf, paddle.Tensor]]:
        return [
            (f"{part}.{item.name}", item, value)
            for part, module in (("backbone", self.backbone), ("head", self.head))
            for item, value in state.leaves(module)
        ]

    def train_step(self, images: np.ndarray, labels: np.ndarray, step: int) -> StepResult:
        paddle.seed(int(generator(self.settings.seed, "dropout", step, self.rank).integers(2**31)))
        self.backbone.train()
        self.head.train()
        self.optimizer.clear_gradients()
        held = [
            (values, name, value.clone())
            for values, name in self._buffers
            if (value := values[name]) is not None and value.stop_gradient
        ]
        loss = 0.0
        parts = self.settings.accumulation
        for part_images, part_labels in zip(np.array_split(images, parts), np.array_split(labels, parts), strict=True):
            share = len(part_labels) / len(labels)
            value = self._loss(part_images, part_labels) * share
            value.backward()
            loss += float(value.detach())
        gradients = [value.grad for value in self.trained.values() if value.grad is not None]
        if self.world_size > 1:
            summary = paddle.to_tensor([loss], dtype=getattr(paddle, self._dtype))
            distributed.average([*gradients, summary])
            loss = float(summary.numpy()[0])
        with paddle.no_grad():
            norm = float(paddle.add_n([(gradient * gradient).sum() for gradient in gradients]).sqrt())
        finite = bool(np.isfinite(loss) and np.isfinite(norm))
        if finite:
            self._clip(gradients, norm)
            self.optimizer.step()
        else:
            for values, name, value in held:
                values[name].set_value(value)
        return StepResult(loss, norm, finite)

    def _loss(self, images: np.ndarray, labels: np.ndarray) -> paddle.Tensor:
        x = to_input(paddle.to_tensor(images), self.settings.preprocess).astype(getattr(paddle, self._dtype))
        target = paddle.to_tensor(labels)
        with paddle.amp.auto_cast(enable=self.settings.precision == "bfloat16", dtype="bfloat16"):
            return self.head(self.backbone(x), target)

    @paddle.no_grad()
    def _clip(self, gradients: list[paddle.Tensor], norm: float) -> None:
        limit = self.settings.clip_norm
        if limit is not None and norm > limit:
            for gradient in gradients:
                gradient.scale_(limit / norm)

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
