"""The embeddings that a student learns from: of a model, of a folder of stored embeddings, or of its own average."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from facezoo.data.loading.loader import Batch
from facezoo.data.sources.fingerprint import fingerprint
from facezoo.data.sources.source import Source, StreamSource
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import ConfigError
from facezoo.inference.embedder import Embedder
from facezoo.inference.stored_embeddings import INDEX, StoredEmbeddings, open_embeddings
from facezoo.interfaces.distillation import DistillationSettings
from facezoo.interfaces.engine import Engine
from facezoo.training.config import RunConfig
from facezoo.training.config_groups import Distillation
from facezoo.training.model import Model
from facezoo.weights.pretrained import model_path

logger = logging.getLogger(__name__)

OWN_AVERAGE = "average"  # the teacher that is the moving average of the student


class Teacher(ABC):
    """A frozen model, or what it said.

    Attributes:
        size: width of its embeddings.
        centres: (C, size), the means of its unit embeddings of each class; None where they are not known.
    """

    size: int
    centres: np.ndarray | None = None

    @abstractmethod
    def targets(self, batch: Batch, engine: Engine) -> np.ndarray:
        """(N, size) float32, the embeddings of the images of a batch, not normalised."""


class LiveTeacher(Teacher):
    """A model that embeds every batch as the student sees it, augmented.

    Args:
        embedder: the model.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.size = embedder, embedder.embedding_size

    def targets(self, batch: Batch, engine: Engine) -> np.ndarray:  # noqa: D102
        size = self.embedder.preprocess.size
        images = batch.images
        if images.shape[1:3] != size:
            images = np.stack([central_crop(image, size) for image in images])
        return self.embedder.raw(images)


class StoredTeacher(Teacher):
    """Embeddings computed once, of the images without augmentation.

    Args:
        stored: the embeddings.
        source: the training set, whose images they must be of.
    """

    def __init__(self, stored: StoredEmbeddings, source: Source) -> None:
        found = fingerprint(source)
        if stored.data != found:
            raise ConfigError(
                f"{str(stored.folder)!r} holds embeddings of {stored.data.get('images')} images of "
                f"{stored.data.get('identities')} identities; the training set has {found['images']} of "
                f"{found['identities']}, or other labels: make them again with `facezoo embed DATA --aligned --out "
                "FOLDER` from the same data, without data.min_images and validation.holdout, or give a model as teacher"
            )
        self.stored, self.size = stored, stored.size
        self._labels, self._classes = source.labels, source.num_classes

    def targets(self, batch: Batch, engine: Engine) -> np.ndarray:  # noqa: D102
        return self.stored.rows(batch.indices)

    def class_centres(self) -> np.ndarray:
        """(C, size) float32."""
        return self.stored.centres(self._labels, self._classes)


class AverageTeacher(Teacher):
    """The moving average of the student's own weights (Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780).

    Args:
        size: of the student's embeddings.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def targets(self, batch: Batch, engine: Engine) -> np.ndarray:  # noqa: D102
        return engine.embed(batch.images)


def open_teacher(config: RunConfig, model: Model, source: Source | StreamSource) -> Teacher | None:
    """The teacher of a run; None without one.

    Raises:
        ConfigError: stored embeddings are of other images, or the data are a stream.
        CheckpointError, DownloadError: the model cannot be read.
    """
    name = config.distillation.teacher
    if name is None:
        return None
    if name == OWN_AVERAGE:
        return AverageTeacher(model.embedding_size)
    if (Path(name) / INDEX).is_file():
        if isinstance(source, StreamSource):
            raise ConfigError(
                "stored embeddings need images with numbers; shards are a stream: give a model as teacher"
            )
        teacher = StoredTeacher(open_embeddings(name), source)
        if config.distillation.loss == "logits":
            teacher.centres = teacher.class_centres()
        return teacher
    embedder = Embedder(
        model_path(name), backend=config.backend, device=config.device, threads=config.threads,
        precision=config.distillation.precision,
    )  # fmt: skip
    return LiveTeacher(embedder)


def distillation_settings(config: RunConfig, model: Model, teacher: Teacher | None) -> DistillationSettings | None:
    """What the engine needs to know; None without a teacher."""
    if teacher is None:
        return None
    chosen = config.distillation
    return DistillationSettings(
        loss=chosen.loss, embedding_size=model.embedding_size, target_size=teacher.size, factor=chosen.factor,
        temperature=chosen.temperature, scale=chosen.scale, centres=teacher.centres, seed=config.seed,
    )  # fmt: skip


def share_at(settings: Distillation, step: int, steps: int) -> float:
    """The weight of the distillation at a step: from ``share`` to ``share_end``, linearly over the run.

    >>> [share_at(Distillation(teacher="average", share=0.75, share_end=0.25), step, 11) for step in (0, 5, 10)]
    [0.75, 0.5, 0.25]
    """
    if settings.share_end is None:
        return settings.share
    return settings.share + (settings.share_end - settings.share) * step / max(1, steps - 1)
