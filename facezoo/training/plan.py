"""Memory that a run will take in each process, before it is started."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facezoo import backends
from facezoo.canonical.class_rows import ClassRows, sample_size
from facezoo.canonical.state import inventory
from facezoo.errors import ConfigError
from facezoo.interfaces.optimizer import SLOTS
from facezoo.training.config import RunConfig
from facezoo.training.model import build_model
from facezoo.zoo.head_options import HeadOptions
from facezoo.zoo.user_class import is_user_class

GIB = 2**30
LOSS_VALUES = 2.5  # for each logit, measured by benchmarks/head_memory.py


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes in one process, the one that holds most.

    Attributes:
        classes: of all processes.
        rows: classes held by this process.
        computed: classes computed in a step by this process.
        images: images whose logits this process computes in a micro-batch.
        world_size: processes.
        head_weights: class weights, 4 x E x rows.
        head_gradient: of the classes computed.
        head_optimizer: momentum, or the moments of AdamW and LAMB, of the rows held.
        head_rows: Partial FC's copies of weights and optimiser state of the classes computed; 0 without.
        logits: logits and their gradient, 2 x 4 x images x classes computed.
        loss_values: cosines, masks and probabilities that the loss keeps beside them.
        backbone: weights, gradient and optimiser state.
        activations: kept for the backward pass of a micro-batch.
    """

    classes: int
    rows: int
    computed: int
    images: int
    world_size: int
    head_weights: int
    head_gradient: int
    head_optimizer: int
    head_rows: int
    logits: int
    loss_values: int
    backbone: int
    activations: int

    @property
    def classification(self) -> int:
        """Bytes of the classification layer: weights, gradient, optimiser state, logits."""
        return self.head_weights + self.head_gradient + self.head_optimizer + self.head_rows + self.logits

    @property
    def total(self) -> int:
        """All bytes; libraries, images in preparation and fragmentation come on top."""
        return self.classification + self.loss_values + self.backbone + self.activations


def plan_memory(config: RunConfig, num_classes: int, world_size: int = 1) -> MemoryPlan:
    """Memory of each process of a run.

    Args:
        config: the run's.
        num_classes: identities.
        world_size: processes.

    Raises:
        ConfigError: the backbone is a class from outside the zoo.
    """
    spec = config.spec()
    if spec is None:
        raise ConfigError(f"the memory of {config.backbone} cannot be planned: it is not a backbone of the zoo")
    model = build_model(config)
    size = 8 if config.precision == "float64" else 4
    slots = len(SLOTS[config.optimizer.name]) if config.optimizer.name != "sgd" or config.momentum else 0
    trained = sum(int(np.prod(item.shape)) for item in inventory(model.backbone) if item.trained)
    micro = -(-config.batch_size // config.accumulation)
    per_image = backends.module(config.backend, "activations").saved_bytes(model.backbone, spec, config.precision)
    plan = _head(config, num_classes, world_size, size, slots, micro)
    return replace(plan, backbone=size * trained * (2 + slots), activations=round(per_image * micro))


def _head(config: RunConfig, classes: int, world_size: int, size: int, slots: int, micro: int) -> MemoryPlan:
    options = None if is_user_class(config.head) else HeadOptions.parse(config.head, config.head_options)
    if options is not None and not options.margin.divisible:
        classes = 0  # no class weights
    divided = config.class_rows(classes, 0, world_size) is not None
    rows = -(-classes // world_size) if divided else classes
    rate = config.parallel.sample_rate
    computed = sample_size(ClassRows(0, rows, classes), config.batch_size * world_size, rate) if divided else rows
    images = micro * world_size if divided else micro
    centers = 1 if options is None else int(options.margin.hyper().get("centers", 1))
    width = size * config.embedding_size * centers
    return MemoryPlan(
        classes=classes, rows=rows, computed=computed, images=images, world_size=world_size, head_weights=width * rows,
        head_gradient=width * computed, head_optimizer=slots * width * rows,
        head_rows=(1 + slots) * width * computed if computed < rows else 0, logits=2 * size * images * computed,
        loss_values=round(LOSS_VALUES * size * images * computed),
        backbone=0, activations=0,
    )  # fmt: skip


def savings(config: RunConfig, num_classes: int, world_size: int, plan: MemoryPlan) -> list[tuple[str, int]]:
    """Changes of the run that take less memory: (what to set, total bytes then), the best first."""
    changes: list[tuple[str, dict[str, object], int]] = []
    parallel = config.parallel
    if config.divisible and parallel.head != "dense":
        if parallel.sample_rate > 0.1:
            rate: dict[str, object] = {"parallel": parallel.model_copy(update={"sample_rate": 0.1})}
            changes.append(("--set parallel.sample_rate=0.1 (Partial FC)", rate, world_size))
        changes.append((f"{2 * world_size} processes", {}, 2 * world_size))
    if config.batch_size // (2 * config.accumulation) >= 2:
        parts = 2 * config.accumulation
        changes.append((f"--set accumulation={parts} (micro-batches)", {"accumulation": parts}, world_size))
    if not (config.checkpointing or config.backbone_options.get("checkpointing")):
        changes.append(("--checkpointing (recomputes activations)", {"checkpointing": True}, world_size))
    if config.precision == "float32":
        changes.append(("--precision bfloat16", {"precision": "bfloat16"}, world_size))
    found = []
    for what, update, processes in changes:
        changed = config.model_copy(update=update)
        heads_only = set(update) <= {"parallel", "accumulation"}
        if heads_only:
            size = 8 if config.precision == "float64" else 4
            slots = round(plan.head_optimizer / max(plan.head_weights, 1))
            micro = -(-changed.batch_size // changed.accumulation)
            before = -(-config.batch_size // config.accumulation)
            other = _head(changed, num_classes, processes, size, slots, micro)
            other = replace(other, backbone=plan.backbone, activations=plan.activations * micro // before)
        else:
            other = plan_memory(changed, num_classes, processes)
        if other.total < plan.total:
            found.append((what, other.total))
    return sorted(found, key=lambda item: item[1])


def describe(plan: MemoryPlan, changes: list[tuple[str, int]]) -> str:
    """The plan as a table of GiB."""
    held = f"{plan.rows:,} of {plan.classes:,} classes"
    lines = [
        ("class weights", plan.head_weights, held),
        ("their gradient", plan.head_gradient, f"{plan.computed:,} classes computed in a step"),
        ("their optimiser state", plan.head_optimizer, held),
        ("rows of the step", plan.head_rows, "Partial FC's copies of weights and optimiser state"),
        ("logits", plan.logits, f"{plan.images:,} images x {plan.computed:,} classes, and their gradient"),
        ("classification layer", plan.classification, "sum of the lines above"),
        ("values of the loss", plan.loss_values, "cosines, masks, probabilities"),
        ("backbone", plan.backbone, "weights, gradient, optimiser state"),
        ("activations", plan.activations, "of one micro-batch, kept for the backward pass"),
        ("total", plan.total, f"in each of {plan.world_size} processes; libraries and images come on top"),
    ]
    text = [f"{name:<22} {size / GIB:9.2f} GiB  {note}" for name, size, note in lines if size or name == "total"]
    text += [f"with {what}: {size / GIB:.2f} GiB" for what, size in changes]
    return "\n".join(text)
