"""The model card that a run ends with: how, on what, how well, and what it is not for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.training.config import RunConfig

if TYPE_CHECKING:  # the card is made when a run has ended; nothing of it is needed before
    from facezoo.training.loop import TrainResult
    from facezoo.training.model import Model
    from facezoo.training.validation import Validator
    from facezoo.weights.card import CardData, CardFigure, ModelCard

SYNTHETIC_TERMS = "drawn by facezoo; free of any person's likeness"
SHORT = "It was trained on {identities} identities; figures of published models come from tens of thousands and more."
FEW = 10_000


def training_card(
    config: RunConfig,
    model: Model,
    result: TrainResult,
    validations: list[tuple[Validator, float | None]],
    *,
    name: str,
    identities: int,
    images: int,
) -> ModelCard:
    """The card of a finished run.

    Args:
        config: the whole configuration.
        model: what was trained.
        result: how the run ended.
        validations: the sets of its last validation, and the accuracy on each, 0..1.
        name: of the model.
        identities: in training.
        images: in training.
    """
    from facezoo.weights.card import LIMITS, ModelCard

    limits: tuple[str, ...] = LIMITS
    if config.data.path is None:
        limits = ("It was trained on synthetic faces; its figures do not apply to real faces.", *limits)
    elif identities < FEW:
        limits = (SHORT.format(identities=f"{identities:,}"), *limits)
    return ModelCard(
        name=name,
        backbone=model.name,
        variant=dict(config.backbone_options),
        embedding_size=model.embedding_size,
        parameters=model.parameters,
        preprocess=model.preprocess.to_dict(),
        head=f"{config.head} {config.head_options}" if config.head_options else config.head,
        training=_training(config, result),
        data=_data(config, identities, images),
        licence="unknown; the terms of the training data bind the weights too",
        figures=_figures(validations),
        limits=limits,
    )


def _training(config: RunConfig, result: TrainResult) -> dict[str, Any]:
    values = config.model_dump(mode="json")
    kept = (
        "backend",
        "batch_size",
        "lr",
        "optimizer",
        "momentum",
        "weight_decay",
        "clip_norm",
        "schedule",
        "precision",
        "seed",
    )
    return {
        "steps": result.step, "ended": result.stopped, "loss, mean of the last steps": round(result.loss, 4),
        **{key.replace("_", " "): values[key] for key in kept},
        **({"distillation": values["distillation"]} if config.distillation.teacher else {}),
        **({"average": config.average} if config.average else {}),
        "augmentation": config.data.augmentation, "sampler": config.data.sampler,
        "command": "facezoo train --config config.yaml",
    }  # fmt: skip


def _data(config: RunConfig, identities: int, images: int) -> tuple[CardData, ...]:
    """The training data; the terms come from the index of data sets when a folder has the name of an entry."""
    from facezoo.datasets.catalogue import load_index
    from facezoo.datasets.schema import plain_name
    from facezoo.weights.card import CardData

    if config.data.path is None:
        return (CardData("synthetic faces", identities, images, SYNTHETIC_TERMS, "facezoo"),)
    paths = [config.data.path] if isinstance(config.data.path, str) else config.data.path
    index = load_index()
    found = []
    for path in paths:
        entry = index.get(plain_name(Path(path).name)) or index.get(plain_name(Path(path).parent.name))
        people, shown = (identities, images) if len(paths) == 1 else (None, None)
        if entry is None:
            found.append(CardData(Path(path).name, people, shown))
        else:
            found.append(CardData(entry.title, people, shown, entry.terms, entry.home))
    return tuple(found)


def _figures(validations: list[tuple[Validator, float | None]]) -> tuple[CardFigure, ...]:
    """Accuracy of the last validation with Wilson's interval over its pairs."""
    from facezoo.evaluation.statistics.intervals import wilson
    from facezoo.weights.card import CardFigure

    found = []
    for validator, accuracy in validations:
        if accuracy is None:
            continue
        pairs = len(validator.same)
        low, high = wilson(round(accuracy * pairs), pairs)
        name = f"{validator.name}, {pairs:,} pairs, ten folds"
        found.append(CardFigure(name, "accuracy", accuracy, low, high, command="the run's own validation"))
    return tuple(found)
