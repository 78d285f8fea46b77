"""The model of a run: its backbone, from the zoo or from outside, with the description that files and cards store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.canonical.class_rows import ClassRows
from facezoo.canonical.state import parameter_count
from facezoo.checkpoints.weights import save_user_weights, save_weights
from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.training.config import RunConfig
from facezoo.zoo import user_class
from facezoo.zoo.create import build_backbone, build_head
from facezoo.zoo.head_options import HeadOptions


@dataclass(frozen=True)
class Model:
    """A backbone as a run trains it.

    Attributes:
        backbone: the native module.
        name: public name, or ``package.module:Class``.
        embedding_size: E.
        preprocess: from uint8 RGB crops to the backbone's input.
        spec: the description of a backbone of the zoo; None for one from outside.
        parameters: trained values of the backbone, before any are frozen or adapters added.
    """

    backbone: Any
    name: str
    embedding_size: int
    preprocess: Preprocess
    spec: BackboneSpec | None
    parameters: int

    def save(self, path: Path, **info: Any) -> None:
        """Write the backbone's weight file; ``info`` are further entries of its metadata.

        Raises:
            CheckpointError: it cannot be written, or a value is NaN or infinite.
        """
        if self.spec is not None:
            save_weights(self.backbone, path, **info)
        else:
            save_user_weights(self.backbone, path, self.name, self.embedding_size, self.preprocess, **info)


def build_model(config: RunConfig, module: Any = None) -> Model:
    """The backbone of a configuration.

    Args:
        config: the run's.
        module: a module that is built already; None builds what the configuration names.

    Raises:
        ConfigError: a class from outside cannot be built, or does not give one embedding per image.
        BackendUnavailableError: the framework is not installed.
    """
    rule, spec = config.input_rule(), config.spec()
    if spec is not None and module is None:
        backbone = build_backbone(spec, backend=config.backend, seed=config.seed)
        return Model(backbone, spec.name, spec.embedding_size, rule, spec, parameter_count(backbone))
    if module is None:
        factory = user_class.load_class(config.backbone)
        module = user_class.construct(
            config.backbone,
            factory,
            config.backend,
            config.backbone_options,
            seed=config.seed,
            embedding_size=config.embedding_size,
        )
    own = getattr(module, "spec", None)
    if isinstance(own, BackboneSpec):
        return Model(module, own.name, own.embedding_size, own.preprocess, own, parameter_count(module))
    user_class.require_backend("backbone", module, config.backend)
    size = user_class.check_backbone(config.backbone, module, rule)
    return Model(module, config.backbone, size, rule, None, parameter_count(module))


def build_run_head(
    config: RunConfig, model: Model, num_classes: int, labels: np.ndarray | None = None, head: Any = None,
    rows: ClassRows | None = None,
) -> Any:  # fmt: skip
    """The head of a configuration.

    Args:
        config: the run's.
        model: whose embeddings it takes.
        num_classes: identities.
        labels: of all training images; a head that weighs classes by their images counts them here, unless its
            options do.
        head: a built module, or a class or function called with embedding_size and num_classes; None builds what the
            configuration names.
        rows: the classes that the head shall hold; None holds all. A head of one's own holds all.

    Raises:
        ConfigError: the number of classes does not suit the head, or a class from outside is not a loss head.
    """
    if head is None and not user_class.is_user_class(config.head):
        options = _with_class_counts(config, labels, num_classes)
        return build_head(
            HeadOptions.parse(config.head, options), backend=config.backend, embedding_size=model.embedding_size,
            num_classes=num_classes, seed=config.seed, rows=rows,
        )  # fmt: skip
    sizes = {"embedding_size": model.embedding_size, "num_classes": num_classes}
    if head is None:
        head = user_class.load_class(config.head)
    if user_class.is_factory(head):
        head = user_class.construct(config.head, head, config.backend, config.head_options, seed=config.seed, **sizes)
    user_class.require_backend("head", head, config.backend)
    user_class.check_head(config.head, head, **sizes)
    return head


def check_stream(config: RunConfig) -> None:
    """Refuse a head that needs the labels before the first step where the data are a stream, whose labels are unknown.

    Raises:
        ConfigError: the head compares the images of a batch, or the head or a term needs class counts, and the options
            give none.
    """
    if user_class.is_user_class(config.head):
        return
    parsed = HeadOptions.parse(config.head, config.head_options)
    if parsed.margin.compares:
        raise ConfigError(
            f"{parsed.margin.name} needs several images of an identity in each batch; a stream of shards comes in "
            "shuffled order: read the data from a folder, list or RecordIO (facezoo datasets pack --format rec)"
        )
    for margin in (parsed.margin, *(term.margin for term in parsed.extra)):
        if margin.weighs and margin.hyper().get("class_counts") is None:
            raise ConfigError(
                f"{margin.name} weighs classes by their images, which are unknown for a stream of shards: "
                "give class_counts, or read the data from a folder, list or RecordIO"
            )


def _with_class_counts(config: RunConfig, labels: np.ndarray | None, num_classes: int) -> dict[str, Any]:
    """The head's options; the head or the extra term that weighs classes gets the number of images of each class."""
    options = dict(config.head_options)
    if labels is None:
        return options
    counts = np.bincount(labels, minlength=num_classes).tolist()
    parsed = HeadOptions.parse(config.head, options)
    if parsed.margin.weighs and options.get("class_counts") is None:
        options["class_counts"] = counts
    terms = dict(options.get("extra") or {})
    for name, term in zip(terms, parsed.extra, strict=True):
        if term.margin.weighs and term.margin.hyper().get("class_counts") is None:
            given = terms[name] if isinstance(terms[name], Mapping) else {"factor": terms[name]}
            options["extra"] = terms = {**terms, name: {**given, "class_counts": counts}}
    return options
