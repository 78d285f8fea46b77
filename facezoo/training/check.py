"""Whether a run would start: everything it would refuse, found before anything is trained."""

from __future__ import annotations

import tempfile
from pathlib import Path

from facezoo import backends
from facezoo.data.sources.source import StreamSource
from facezoo.download.urls import local_path
from facezoo.errors import BackendUnavailableError, ConfigError, DataError
from facezoo.training.config import RunConfig
from facezoo.training.model import build_model, build_run_head, check_stream
from facezoo.training.setup import build_loader, open_training_data
from facezoo.training.stages import stage_list
from facezoo.training.trackers.group import wanted_trackers
from facezoo.zoo.head_options import HeadOptions
from facezoo.zoo.user_class import is_user_class


def check_run(config: RunConfig) -> None:
    """Open the data and build what is cheap to build; raise what the run would raise.

    A framework is imported only where a class from outside the zoo has to be built. GPUs are not looked for, so that
    a configuration can be checked on another machine than the one that trains.

    Raises:
        ConfigError: a setting is not valid.
        DataError: data are missing or broken.
        BackendUnavailableError: the backend's framework is not installed.
    """
    for stage in stage_list(config, Path()):
        check_run(stage.config)
    if config.backend not in backends.available():
        framework, command = backends.INSTALL[config.backend]
        raise BackendUnavailableError(
            f"backend {config.backend!r} needs {framework}, which is not installed: {command}"
        )
    wanted_trackers(config.trackers)
    for name in ("data", "pairs", "landmarks"):
        path = getattr(config.validation, name)
        if path is not None and not local_path(path).exists():
            raise DataError(f"validation.{name} is {path!r}; no such file or folder")
    folder = config.validation.data is not None and Path(config.validation.data).suffix != ".bin"
    if folder and config.validation.pairs is None:
        raise ConfigError(f"validation.data is the folder {config.validation.data!r}; it needs validation.pairs")
    source, _ = open_training_data(config)
    if isinstance(source, StreamSource):
        check_stream(config)
    with tempfile.TemporaryDirectory() as scratch, build_loader(config, source, Path(scratch), 0, 1):
        pass
    if is_user_class(config.backbone) or is_user_class(config.head):
        labels = None if isinstance(source, StreamSource) else source.labels
        build_run_head(config, build_model(config), source.num_classes, labels)
    else:
        HeadOptions.parse(config.head, config.head_options).check_classes(source.num_classes)
