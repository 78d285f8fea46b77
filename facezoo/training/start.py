"""What a run starts from: a pretrained backbone, adapters in it, and class weights from its embeddings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facezoo import backends
from facezoo.canonical.class_rows import ClassRows
from facezoo.canonical.state import get_state, inventory, set_state
from facezoo.checkpoints.weights import check_finite, read_arrays
from facezoo.data.sources.source import Source, StreamSource
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import CheckpointError, ConfigError, ImageError
from facezoo.interfaces.engine import Engine
from facezoo.io.files import file_hash
from facezoo.training.config import RunConfig
from facezoo.training.fine_tuning import learning_rates
from facezoo.training.model import Model
from facezoo.weights.pretrained import model_path

logger = logging.getLogger(__name__)

BATCH = 32  # images that are embedded at once for the class weights
ROUND = 1024  # images of a process between two exchanges


def load_start(config: RunConfig, model: Model) -> dict[str, str]:
    """Load ``config.weights`` into the backbone.

    Returns:
        "weights" and "sha256" of the file, for the card; empty where the run starts from drawn weights.

    Raises:
        CheckpointError: the file does not fit the backbone.
    """
    if config.weights is None:
        return {}
    path = model_path(config.weights)
    state, _ = read_arrays(path)
    check_finite(state, path)
    try:
        set_state(model.backbone, state)
    except CheckpointError as error:
        raise CheckpointError(f"weights: {str(path)!r}: {error}") from error
    return {"weights": Path(config.weights).name, "sha256": file_hash(path)}


def add_adapters(config: RunConfig, model: Model) -> None:
    """Give the backbone its low-rank adapters, where the run trains some.

    Raises:
        ConfigError: no layer has one of the names.
    """
    chosen = config.fine_tuning
    if not chosen.lora_rank:
        return
    native = backends.module(config.backend, "adapters")
    alpha = float(chosen.lora_rank if chosen.lora_alpha is None else chosen.lora_alpha)
    if not native.add_adapters(model.backbone, chosen.lora_rank, alpha, chosen.lora_layers, config.seed):
        raise ConfigError(
            f"fine_tuning.lora_layers is {chosen.lora_layers}; no linear layer or 1x1 convolution matches"
        )


def tensor_rates(config: RunConfig, model: Model) -> dict[str, float]:
    """Factors of the learning rate by the names that engines use; empty where all are 1.

    Raises:
        ConfigError: a block or pattern matches nothing.
    """
    if config.weights is None:
        return {}
    rates = learning_rates(config.fine_tuning, [item.name for item in inventory(model.backbone)])
    return {f"backbone.{name}": rate for name, rate in rates.items() if rate != 1}


def start_head(config: RunConfig, engine: Engine, source: Source | StreamSource) -> None:
    """Class weights from the means of the unit embeddings of each identity; their lengths stay as drawn.

    Every process embeds a share of the images. A head whose weights have several rows per class, as Sub-center ArcFace,
    gets the mean plus a tenth of each drawn row.

    Raises:
        ConfigError: the data are a stream, or the head has no class weights of this width.
    """
    if config.weights is None or config.fine_tuning.head == "drawn":
        return
    if isinstance(source, StreamSource):
        raise ConfigError(
            "fine_tuning.head is centres, which needs numbered images; a stream has none: set it to drawn"
        )
    state = get_state(engine.head)
    weight = state.get("weight")
    rows = engine.rows or ClassRows(0, source.num_classes, source.num_classes)
    if weight is None or weight.shape[0] != rows.count or weight.ndim < 2:
        raise ConfigError(f"fine_tuning.head is centres, but {config.head} has no weight per class: set it to drawn")
    centres = _centres(config, engine, source, rows, weight.shape[-1])
    known = np.linalg.norm(centres, axis=1) > 0
    unit = (centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12))[known]
    drawn = weight[known]
    lengths = np.linalg.norm(drawn, axis=-1, keepdims=True)
    wide = unit.reshape(len(unit), *[1] * (weight.ndim - 2), -1)
    weight[known] = lengths * wide if weight.ndim == 2 else lengths * wide + 0.1 * drawn
    set_state(engine.head, {**state, "weight": weight})
    if engine.rank == 0:
        logger.info("class weights start from the mean embeddings of %d identities", source.num_classes)


def _centres(config: RunConfig, engine: Engine, source: Source, rows: ClassRows, width: int) -> np.ndarray:
    """(rows.count, E) sums of unit embeddings of the classes that this process holds."""
    chosen = _some_of_each(source.labels, config.fine_tuning.head_images)
    sums = np.zeros((rows.count, width), np.float64)
    for start in range(0, len(chosen), ROUND * engine.world_size):
        here = np.array_split(chosen[start : start + ROUND * engine.world_size], engine.world_size)[engine.rank]
        found = list(_embedded(engine, source, here, config.input_rule().size))
        labels = np.array([label for label, _ in found], np.int64)
        values = np.stack([value for _, value in found]) if found else np.zeros((0, width), np.float32)
        labels, values = engine.gather(labels), engine.gather(values)
        local = labels - rows.first
        mine = (local >= 0) & (local < rows.count)
        unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        np.add.at(sums, local[mine], unit[mine])
    return sums


def _some_of_each(labels: np.ndarray, limit: int) -> np.ndarray:
    """The numbers of the first ``limit`` images of each class, ascending."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(order)]])))
    return np.sort(order[rank < limit])


def _embedded(
    engine: Engine, source: Source, indices: np.ndarray, size: tuple[int, int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Label and embedding of the images that can be read."""
    for start in range(0, len(indices), BATCH):
        crops, labels = [], []
        for index in indices[start : start + BATCH].tolist():
            try:
                crops.append(central_crop(source.image(index), size))
                labels.append(int(source.labels[index]))
            except ImageError:
                continue  # training replaces and lists it
        if crops:
            yield from zip(labels, engine.embed(np.stack(crops)), strict=True)
