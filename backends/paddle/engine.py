"""Training and embedding on PaddlePaddle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import paddle

from facezoo.backends.paddle import distributed, state
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.infer import Inference
from facezoo.backends.paddle.pixels import to_input
from facezoo.canonical.leaf import Leaf
from facezoo.interfaces.engine import Engine, EngineSettings, StepResult
from facezoo.rng import generator
from facezoo.zoo.create import build_backbone, create_head


class PaddleEngine(Engine):
    """Backbone, head and SGD on one device; see :class:`facezoo.interfaces.engine.Engine`."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.device = pick_device(settings.device)
        paddle.set_device(self.device)
        self.rank, self.world_size = distributed.join(self.device)
        self.backbone = build_backbone(settings.spec, backend="paddle", seed=settings.seed)
        self.head = create_head(
            settings.head, backend="paddle", embedding_size=settings.spec.embedding_size,
            num_classes=settings.num_classes, seed=settings.seed, **settings.head_options,
        )  # fmt: skip
        self._dtype = "float64" if settings.precision == "float64" else "float32"
        if settings.precision == "float64":
            self.backbone.to(dtype="float64")
            self.head.to(dtype="float64")  # otherwise untouched: some heads keep a state in float64
        self.trained = {name: value for name, item, value in self._leaves() if item.trained}
        self._decays = {name for name, item, _ in self._leaves() if item.trained and item.decays}
        self._momentum: dict[str, paddle.Tensor] = {}
        self._rate = 0.0
        self._inference = Inference(self.backbone, settings.device, settings.precision, compiled=settings.compiled)

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
        for value in self.trained.values():
            value.clear_gradient(set_to_zero=False)
        loss = 0.0
        parts = self.settings.accumulation
        for part_images, part_labels in zip(np.array_split(images, parts), np.array_split(labels, parts), strict=True):
            share = len(part_labels) / len(labels)
            value = self._loss(part_images, part_labels) * share
            value.backward()
            loss += float(value.detach())
        gradients = {name: value.grad for name, value in self.trained.items() if value.grad is not None}
        if self.world_size > 1:
            summary = paddle.to_tensor([loss], dtype="float32")
            distributed.average([*gradients.values(), summary])
            loss = summary.item()
        with paddle.no_grad():
            norm = float(paddle.add_n([(gradient * gradient).sum() for gradient in gradients.values()]).sqrt())
        finite = bool(np.isfinite(loss) and np.isfinite(norm))
        if finite:
            self._update(gradients, self._clip(norm))
        return StepResult(loss, norm, finite)

    def _loss(self, images: np.ndarray, labels: np.ndarray) -> paddle.Tensor:
        x = to_input(paddle.to_tensor(images), self.settings.spec.preprocess).astype(self._dtype)
        target = paddle.to_tensor(labels)
        with paddle.amp.auto_cast(enable=self.settings.precision == "bfloat16", dtype="bfloat16"):
            return self.head(self.backbone(x), target)

    def _clip(self, norm: float) -> float:
        limit = self.settings.clip_norm
        return 1.0 if limit is None or norm <= limit else limit / norm

    @paddle.no_grad()
    def _update(self, gradients: Mapping[str, paddle.Tensor], factor: float) -> None:
        """SGD as torch defines it: decay joins the gradient, momentum starts with the first gradient."""
        for name, gradient in gradients.items():
            value = self.trained[name]
            gradient = gradient if factor == 1.0 else gradient * factor
            if name in self._decays and self.settings.weight_decay:
                gradient = gradient + self.settings.weight_decay * value
            moved = self._momentum.get(name)
            if moved is None:
                self._momentum[name] = moved = gradient.clone()
            else:
                moved.scale_(self.settings.momentum).add_(gradient)
            value.set_value(value - self._rate * moved)

    def embed(self, images: np.ndarray) -> np.ndarray:
        return self._inference(images)

    def set_learning_rate(self, value: float) -> None:
        self._rate = value

    def momentum_state(self) -> dict[str, np.ndarray]:
        return {
            name: state.read(item, self._momentum[name]) for name, item, _ in self._leaves() if name in self._momentum
        }

    def load_momentum_state(self, values: Mapping[str, np.ndarray]) -> None:
        for name, item, value in self._leaves():
            if item.trained and name in values:
                self._momentum[name] = paddle.zeros_like(value)
                state.write(item, self._momentum[name], values[name])

    def any(self, flag: bool) -> bool:
        return distributed.any_of(flag, self.device) if self.world_size > 1 else flag

    def barrier(self) -> None:
        if self.world_size > 1:
            distributed.wait()
