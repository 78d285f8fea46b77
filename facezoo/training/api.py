"""``facezoo.train``: a run from Python, with names of the zoo or with modules of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from facezoo import backends
from facezoo.canonical.state import backend_of
from facezoo.data.sources.source import Source
from facezoo.errors import ConfigError
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.training.config_file import load_config
from facezoo.training.experiment import run_experiment
from facezoo.training.resume import resumed_config
from facezoo.training.run import FinishedRun, free_folder
from facezoo.zoo.user_class import is_factory, name_of


def train(
    backbone: Any = None,
    head: Any = None,
    data: str | os.PathLike[str] | list[str] | Source | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    backend: str | None = None,
    preprocess: Preprocess | None = None,
    config: str | os.PathLike[str] | None = None,
    on_progress: OnProgress = ignore_progress,
    **options: Any,
) -> FinishedRun:
    """Train a backbone with a loss head.

    Args:
        backbone: a name of the zoo, ``"package.module:Class"``, or any built torch.nn.Module or paddle.nn.Layer from
            images (N, 3, H, W) to embeddings (N, E); None takes the configuration's.
        head: a name of the zoo, ``"package.module:Class"``, a class or function called with ``embedding_size`` and
            ``num_classes``, or a built module from embeddings (N, E) and labels (N,) to a scalar loss; None takes the
            configuration's.
        data: identity folders, a list file, a .rec file or shards; several are joined; or a
            :class:`facezoo.data.sources.source.Source`; None takes the configuration's, synthetic faces by default.
        out: folder of the run; None takes a free one below ``runs/``.
        resume: continue the run in ``out``; modules must be built as they were.
        backend: "torch" or "paddle"; None takes the modules' own, or the configuration's.
        preprocess: how uint8 RGB crops become the input of a backbone from outside the zoo; None scales 112x112 RGB
            to -1..1.
        config: a YAML file or a recipe's name that the options change.
        on_progress: called after each step with (steps done, steps in all, text).
        options: further keys of the configuration: ``epochs=5``, ``lr=0.1``, ``optimizer="adamw"``,
            ``head_options={"margin": 0.4}``, ``schedule={"name": "step"}``, ``data__workers=2`` for ``data.workers``.

    Returns:
        The run: its folder, weight file, figures, and the trained backbone.

    Raises:
        UnknownNameError: no such backbone, head or option; the message gives the nearest name.
        ConfigError: a value is not valid, a module does not give one embedding per image or a scalar loss.
        DataError, CheckpointError, NumericalError, BackendUnavailableError: see where they are defined.
    """
    overrides = {key.replace("__", "."): value for key, value in options.items()}
    built = backbone if backbone is not None and not isinstance(backbone, str) else None
    built_head = head if head is not None and not isinstance(head, str) else None
    overrides["backbone"] = backbone
    if built is not None:
        overrides |= _backbone_settings(built)
    overrides["backend"] = backend or _backend_of(built, built_head)
    overrides["head"] = name_of(built_head) if built_head is not None else head
    if preprocess is not None:
        overrides["preprocess"] = preprocess.to_dict()
    if data is not None and not isinstance(data, Source):
        overrides["data.path"] = [os.fspath(path) for path in data] if isinstance(data, list) else os.fspath(data)
    if resume:
        if out is None or config is not None:
            raise ConfigError("resume takes the configuration of the run: give out, and no config")
        chosen = resumed_config(Path(out), overrides)
    else:
        chosen = load_config(None if config is None else os.fspath(config), overrides)
    folder = Path(out) if out is not None else free_folder(chosen.backbone, chosen.head, chosen.backend)
    source = data if isinstance(data, Source) else None
    return run_experiment(
        chosen, folder, resume=resume, on_progress=on_progress, backbone=built, head=built_head, source=source
    )


def _backend_of(*modules: Any) -> str | None:
    """The backend that the built modules share; None without any."""
    found = {backend_of(module) for module in modules if module is not None and not is_factory(module)}
    if len(found) > 1:
        raise ConfigError(f"backbone and head are modules of {' and '.join(sorted(found))}; expected one backend")
    return next(iter(found), None)


def _backbone_settings(module: Any) -> dict[str, Any]:
    """Configuration keys that describe a built backbone; for one of the zoo, enough to build it again."""
    if is_factory(module):
        raise ConfigError(f"backbone is {module!r}; expected a name, or a module that is built")
    if not hasattr(module, "parameters"):
        raise ConfigError(
            f"backbone is {module!r}; expected a name, or a built module of {' or '.join(backends.INSTALL)}"
        )
    spec = getattr(module, "spec", None)
    if not isinstance(spec, BackboneSpec):
        return {"backbone": name_of(module)}
    options = spec.options()
    return {"backbone": spec.name, "embedding_size": options.pop("embedding_size"), "backbone_options": options}
