"""How fast a network embeds and trains on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facezoo import backends
from facezoo.specs.base import BackboneSpec
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine
from facezoo.zoo.create import build_backbone

CLASSES = 1000  # of the head that training is measured with


@dataclass(frozen=True)
class Speed:
    """Images/s of one network on one backend; the median over some batches without the first.

    Attributes:
        backbone: public name.
        backend: "torch" or "paddle".
        precision: of training; embedding is in float32 unless this is bfloat16.
        batch_size: images per step.
        embed: images/s of ``Embedder`` without image reading.
        train: images/s of a training step with the head, or None where it was not asked for.
    """

    backbone: str
    backend: str
    precision: str
    batch_size: int
    embed: float
    train: float | None


def measure_speed(
    spec: BackboneSpec, backend: str, *, head: str | None = "ArcFace", precision: str = "float32",
    batch_size: int = 16, rounds: int = 5, threads: int = 0, device: str = "auto",
) -> Speed:  # fmt: skip
    """Measure one network; both are timed with random images, from memory.

    Args:
        spec: as ``facezoo.zoo.catalog.backbone_spec`` gives it.
        backend: "torch" or "paddle".
        head: the loss to train with; None measures embedding only.
        precision: "float32" or "bfloat16"; the result names what the device computed.
        batch_size: 2 or more, since batch norm cannot train on one image.
        rounds: batches that count.
        threads: of the framework; 0 leaves its own choice.
        device: as in ``facezoo train``.

    Raises:
        BackendUnavailableError: the framework is not installed.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch_size, *spec.input_size, 3), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, batch_size)
    native = backends.load(backend)
    network = build_backbone(spec, backend=backend, seed=0)
    precision, _ = backends.module(backend, "precision").pick_precision(precision, device)
    embed = native.build_inference(network, device=device, precision=precision, threads=threads)
    embedding = batch_size / _seconds(lambda: embed(images), rounds)
    training = None
    if head is not None:
        settings = {
            "backend": backend, "backbone": spec.name, "head": head, "precision": precision, "device": device,
            "threads": threads, "embedding_size": spec.embedding_size,
        }  # fmt: skip
        engine = create_engine(load_config(None, settings), CLASSES)
        engine.set_learning_rate(1e-4)
        steps = iter(range(rounds + 1))
        training = batch_size / _seconds(lambda: engine.train_step(images, labels, next(steps)), rounds)
    return Speed(spec.name, backend, precision, batch_size, embedding, training)


def _seconds(call: Callable[[], object], rounds: int) -> float:
    call()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
