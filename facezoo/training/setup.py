"""From a configuration to the parts a run is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facezoo import backends
from facezoo.data.loading.bad_images import BadImageFile
from facezoo.data.loading.loader import Loader
from facezoo.data.sources.filters import concatenate, drop_small, split_identities
from facezoo.data.sources.source import Source, StreamSource
from facezoo.data.transforms.augment import create_augmentation
from facezoo.errors import ConfigError
from facezoo.interfaces.engine import Engine, EngineSettings
from facezoo.training.config import Data, RunConfig
from facezoo.training.validation import Validator, file_validator, held_out_validator
from facezoo.zoo import catalog

DRAWN_HOLDOUT = 16  # drawn identities for validation, when the data are drawn


def build_engine(config: RunConfig, num_classes: int, labels: np.ndarray | None = None) -> Engine:
    """The engine of the backend asked for.

    Args:
        config: the run's.
        num_classes: identities.
        labels: of all training images; a head that weighs classes by their images counts them here, unless its
            options do.

    Raises:
        BackendUnavailableError: the framework is not installed.
    """
    options = dict(config.head_options)
    counting = "class_counts" in catalog.head_margin(config.head).hyper()
    if labels is not None and counting and options.get("class_counts") is None:
        options["class_counts"] = np.bincount(labels, minlength=num_classes).tolist()
    settings = EngineSettings(
        spec=config.spec(), head=config.head, num_classes=num_classes, head_options=options,
        seed=config.seed, momentum=config.momentum, weight_decay=config.weight_decay, clip_norm=config.clip_norm,
        accumulation=config.accumulation, precision=config.precision, device=config.device, threads=config.threads,
        compiled=config.compiled,
    )  # fmt: skip
    return backends.load(config.backend).build_engine(settings)


def open_data(config: RunConfig) -> tuple[Source | StreamSource, Validator | None]:
    """Training faces, and pairs to watch the run with.

    Raises:
        DataError: the data are missing, empty, or of one identity.
    """
    size, watched = config.spec().input_size, config.validation
    if config.data.path is None:
        drawn, held = _drawn(config.data, config.seed, size)
        return drawn, file_validator(watched, size) if watched.data else held_out_validator(held, size, config.seed)
    source = _opened(config.data)
    if watched.data:
        return source, file_validator(watched, size)
    if not watched.holdout:
        return source, None
    if isinstance(source, StreamSource):
        raise ConfigError("validation.holdout needs random access; shards are a stream: give validation.data")
    source, held = split_identities(source, watched.holdout / source.num_classes, seed=config.seed)
    return source, held_out_validator(held, size, config.seed)


def _drawn(data: Data, seed: int, size: tuple[int, int]) -> tuple[Source, Source]:
    from facezoo.data.sources.synthetic import SyntheticFaces

    if size[0] != size[1]:
        raise ConfigError(f"drawn faces are square; the model takes {size[0]}x{size[1]}: give data.path")
    shown = SyntheticFaces(data.identities, data.images_per_identity, seed=seed, size=size[0])
    held = SyntheticFaces(DRAWN_HOLDOUT, 20, seed=seed, size=size[0], first_identity=data.identities)
    return shown, held


def _opened(data: Data) -> Source | StreamSource:
    from facezoo.data.sources.open_source import open_source

    paths = [data.path] if isinstance(data.path, str) else list(data.path or [])
    sources = [open_source(path) for path in paths]
    if isinstance(sources[0], StreamSource) or len(sources) == 1:
        if len(sources) > 1 or (isinstance(sources[0], StreamSource) and data.min_images > 1):
            raise ConfigError("shards are a stream: they can neither be joined nor filtered while reading")
        joined = sources[0]
    else:
        joined = sources[0]
        for source in sources[1:]:
            if isinstance(source, StreamSource) or isinstance(joined, StreamSource):
                raise ConfigError("shards are a stream: they cannot be joined with other data")
            joined = concatenate(joined, source, same_names=data.same_names)
    if data.min_images > 1 and not isinstance(joined, StreamSource):
        joined = drop_small(joined, data.min_images)
    return joined


def build_loader(config: RunConfig, source: Source | StreamSource, run: Path, rank: int, world_size: int) -> Loader:
    """Batches of the run; unreadable images are listed in ``bad_images.txt`` of its folder."""
    data = config.data
    return Loader(
        source, batch_size=config.batch_size, sampler=data.sampler, sampler_options=data.sampler_options,
        augmentation=create_augmentation(data.augmentation, **data.augmentation_options),
        size=config.spec().input_size, seed=config.seed, workers=data.workers, rank=rank, world_size=world_size,
        cache=data.cache, cache_bytes=round(data.cache_gigabytes * 2**30), max_bad_share=data.max_bad_share,
        on_bad=BadImageFile(run / "bad_images.txt"),
    )  # fmt: skip
