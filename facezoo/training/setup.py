"""From a configuration to the parts a run is made of: data, loader and engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.class_rows import ClassRows
from facezoo.data.loading.bad_images import BadImageFile
from facezoo.data.loading.loader import Loader
from facezoo.data.sources.filters import Weighted, concatenate, drop_small, split_identities
from facezoo.data.sources.joined_stream import JoinedStream
from facezoo.data.sources.source import Source, StreamSource
from facezoo.data.transforms.augment import create_augmentation
from facezoo.errors import ConfigError
from facezoo.interfaces.distillation import DistillationSettings
from facezoo.interfaces.engine import Engine, EngineSettings
from facezoo.interfaces.optimizer import OptimizerSettings
from facezoo.interfaces.parallel import ParallelSettings
from facezoo.training.config import RunConfig
from facezoo.training.config_groups import Data
from facezoo.training.launch import launched_processes
from facezoo.training.model import Model, build_model, build_run_head
from facezoo.training.start import tensor_rates
from facezoo.training.validation import Validator, file_validator, held_out_validator

SYNTHETIC_HOLDOUT = 16  # synthetic identities for validation, when the data are synthetic


def with_precision(config: RunConfig) -> tuple[RunConfig, str]:
    """The configuration with the precision that the device gets, and a remark for the user, which may be empty.

    Raises:
        BackendUnavailableError: the framework is not installed.
        ConfigError: there is no such device.
    """
    precision, remark = backends.module(config.backend, "precision").pick_precision(config.precision, config.device)
    return config.model_copy(update={"precision": precision}), remark


def build_engine(
    config: RunConfig, model: Model, head: Any, rows: ClassRows | None = None,
    distillation: DistillationSettings | None = None,
) -> Engine:  # fmt: skip
    """The engine of the run's backend for a built backbone and a built head.

    Args:
        config: the run's.
        model: the backbone.
        head: the head, or the part of it that this process holds.
        rows: the classes of that part; None where the head is whole.
        distillation: what is learned from a teacher; None without one.

    Raises:
        BackendUnavailableError: the framework is not installed.
    """
    optimizer = OptimizerSettings(
        name=config.optimizer.name, momentum=config.momentum, nesterov=config.optimizer.nesterov,
        weight_decay=config.weight_decay, beta1=config.optimizer.beta1, beta2=config.optimizer.beta2,
        eps=config.optimizer.eps,
    )  # fmt: skip
    settings = EngineSettings(
        preprocess=model.preprocess, optimizer=optimizer,
        parallel=ParallelSettings(**config.parallel.model_dump()), seed=config.seed, clip_norm=config.clip_norm,
        accumulation=config.accumulation, precision=config.precision, device=config.device, threads=config.threads,
        compiled=config.compiled, compile=config.compile, channels_last=config.channels_last,
        distillation=distillation, average=config.average,
        rates=tensor_rates(config, model), freeze_statistics=config.fine_tuning.freeze_statistics,
    )  # fmt: skip
    return backends.load(config.backend).build_engine(settings, model.backbone, head, rows)


def create_engine(config: RunConfig, num_classes: int, labels: np.ndarray | None = None) -> Engine:
    """Backbone, head and engine of a configuration, without its data; arguments as for ``build_run_head``."""
    config, _ = with_precision(config)
    model = build_model(config)
    processes = launched_processes(config.backend)
    rows = config.class_rows(num_classes, processes.rank, processes.world_size)
    return build_engine(config, model, build_run_head(config, model, num_classes, labels, rows=rows), rows)


def open_data(config: RunConfig, source: Source | None = None) -> tuple[Source | StreamSource, list[Validator]]:
    """Training faces, and the sets of pairs for validation.

    Args:
        config: the run's.
        source: training faces that are open already; None opens ``data.path``.

    Raises:
        DataError: the data are missing, empty, or of one identity.
    """
    size = config.input_rule().size
    shown, held = open_training_data(config, source)
    if config.validation.sets:
        return shown, [file_validator(item, size, name) for name, item in config.validation.sets.items()]
    if config.validation.data:
        return shown, [file_validator(config.validation, size)]
    if held is None:
        return shown, []
    return shown, [held_out_validator(held, size, config.seed, config.data.max_bad_share)]


def open_training_data(config: RunConfig, source: Source | None = None) -> tuple[Source | StreamSource, Source | None]:
    """Training faces, and the identities held out for validation, where the run holds some out.

    Raises:
        DataError: the data are missing, empty, or of one identity.
    """
    validation = config.validation
    if config.data.path is None and source is None:
        return _synthetic(config.data, validation.holdout or SYNTHETIC_HOLDOUT, config.seed, config.input_rule().size)
    opened = _opened(config.data) if source is None else source
    if validation.data or validation.sets or not validation.holdout:
        return opened, None
    if isinstance(opened, StreamSource):
        raise ConfigError("validation.holdout needs random access; shards are a stream: give validation.data")
    return split_identities(opened, validation.holdout / opened.num_classes, seed=config.seed)


def _synthetic(data: Data, holdout: int, seed: int, size: tuple[int, int]) -> tuple[Source, Source]:
    from facezoo.data.sources.synthetic import SyntheticFaces

    if size[0] != size[1]:
        raise ConfigError(f"synthetic faces are square; the model takes {size[0]}x{size[1]}: give data.path")
    shown = SyntheticFaces(data.identities, data.images_per_identity, seed=seed, size=size[0])
    held = SyntheticFaces(holdout, 20, seed=seed, size=size[0], first_identity=data.identities)
    return shown, held


def _opened(data: Data) -> Source | StreamSource:
    from facezoo.data.sources.open_source import open_source

    paths = [data.path] if isinstance(data.path, str) else list(data.path or [])
    weights = data.weights or [1.0] * len(paths)
    sources = [open_source(path) for path in paths]
    streams = [source for source in sources if isinstance(source, StreamSource)]
    if streams:
        if len(streams) < len(sources):
            raise ConfigError("shards are a stream: they can be joined with other shards only")
        if data.min_images > 1:
            raise ConfigError(f"data.min_images is {data.min_images}; shards are a stream and cannot be filtered")
        alone = len(streams) == 1 and weights == [1.0]
        return streams[0] if alone else JoinedStream(streams, weights, same_names=data.same_names)
    weighed = [
        source if weight == 1 else Weighted(source, weight)
        for source, weight in zip(sources, weights, strict=True)
        if not isinstance(source, StreamSource)
    ]
    joined = weighed[0]
    for source in weighed[1:]:
        joined = concatenate(joined, source, same_names=data.same_names)
    return drop_small(joined, data.min_images) if data.min_images > 1 else joined


def build_loader(config: RunConfig, source: Source | StreamSource, run: Path, rank: int, world_size: int) -> Loader:
    """Batches of the run; unreadable images are listed in ``bad_images.txt`` of its folder."""
    data = config.data
    return Loader(
        source, batch_size=config.batch_size, sampler=data.sampler, sampler_options=data.sampler_options,
        augmentation=create_augmentation(data.augmentation, **data.augmentation_options),
        size=config.input_rule().size, seed=config.seed, workers=data.workers, rank=rank, world_size=world_size,
        cache=data.cache, cache_bytes=round(data.cache_gigabytes * 2**30), max_bad_share=data.max_bad_share,
        on_bad=BadImageFile(run / "bad_images.txt"),
    )  # fmt: skip
